/** Prints a port that is free now. */
public final class FreePort {
    public static void main(String[] args) throws java.io.IOException {
        try (java.net.ServerSocket socket = new java.net.ServerSocket(0)) {
            System.out.println(socket.getLocalPort());
        }
    }
}
