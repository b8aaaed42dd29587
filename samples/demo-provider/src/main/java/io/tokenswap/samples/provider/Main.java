package io.tokenswap.samples.provider;

import org.springframework.boot.web.server.PortInUseException;

/** Runs a {@link DemoProvider} alone, configured by the environment; the README lists the variables. */
public final class Main {

    private Main() {}

    /** Takes no arguments; runs until the process is ended. */
    @SuppressWarnings("SystemOut") // a program's own output
    public static void main(String[] args) {
        // Named here and not "logback.xml", which would be the host's configuration where this is a library.
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "io/tokenswap/samples/provider/logback.xml");
        }
        DemoProvider provider;
        try {
            provider = Environment.of(System.getenv()).start();
        } catch (IllegalArgumentException wrong) {
            fail(String.valueOf(wrong.getMessage()));
            return;
        } catch (PortInUseException taken) {
            fail("PORT: another program has port " + taken.getPort());
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(provider::close));
        System.out.println("Demo provider at " + provider.uri() + " (sign in as demo, password demo)");
        System.out.println("  authorize  " + provider.authorizeUri());
        System.out.println("  token      " + provider.tokenUri());
        System.out.println("  me         " + provider.meUri());
        provider.redirectUris().forEach(uri -> System.out.println("  redirect   " + uri));
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(1);
    }
}
