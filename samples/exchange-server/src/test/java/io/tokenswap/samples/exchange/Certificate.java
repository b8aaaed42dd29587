package io.tokenswap.samples.exchange;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;

/** A self-signed certificate for this machine, in PEM files. */
record Certificate(byte[] encoded, Path chain, Path privateKey, Path both) {

    private static final String PASSWORD = "only-for-this-file";

    /** Makes a certificate. The JDK has no API for that, and has the program. */
    static Certificate create(Path directory, String name) throws IOException, GeneralSecurityException {
        Path store = directory.resolve(name + ".p12");
        Process keytool = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        name,
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-dname",
                        "CN=" + name,
                        "-ext",
                        "san=dns:localhost,ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        PASSWORD))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (keytool.onExit().join().exitValue() != 0) {
            throw new IOException("keytool failed");
        }
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD.toCharArray());
        }
        byte[] encoded = keys.getCertificate(name).getEncoded();
        String chain = pem("CERTIFICATE", encoded);
        String key =
                pem("PRIVATE KEY", keys.getKey(name, PASSWORD.toCharArray()).getEncoded());
        return new Certificate(
                encoded,
                Files.writeString(directory.resolve(name + ".crt"), chain),
                Files.writeString(directory.resolve(name + ".key"), key),
                Files.writeString(directory.resolve(name + ".pem"), chain + key));
    }

    private static String pem(String type, byte[] content) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content) + "\n-----END " + type
                + "-----\n";
    }
}
