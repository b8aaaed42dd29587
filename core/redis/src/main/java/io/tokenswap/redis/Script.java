package io.tokenswap.redis;

import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisScriptingAsyncCommands;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * Script of this package. It is called by its hash. A server that does not know the hash receives the text of the
 * script.
 */
final class Script {

    private final String text;
    private final String hash;

    Script(String name) {
        this.text = read("common") + read(name);
        try {
            byte[] sha1 = MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
            this.hash = HexFormat.of().formatHex(sha1);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-1", e);
        }
    }

    Mono<List<Object>> run(RedisScriptingAsyncCommands<String, String> commands, String[] keys, String... arguments) {
        return Mono.fromFuture(() -> commands.<List<Object>>evalsha(hash, ScriptOutputType.MULTI, keys, arguments)
                        .toCompletableFuture())
                .onErrorResume(
                        RedisNoScriptException.class,
                        e -> Mono.fromFuture(
                                () -> commands.<List<Object>>eval(text, ScriptOutputType.MULTI, keys, arguments)
                                        .toCompletableFuture()));
    }

    private static String read(String name) {
        try (InputStream in = Script.class.getResourceAsStream(name + ".lua")) {
            if (in == null) {
                throw new IllegalStateException("The script " + name + " is missing in the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
