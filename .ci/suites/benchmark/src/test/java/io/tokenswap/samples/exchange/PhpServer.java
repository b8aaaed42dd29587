package io.tokenswap.samples.exchange;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A page in PHP that passes a refresh on to the provider with the secret, as the small servers in PHP do. */
final class PhpServer {

    private static final Path PROGRAMS = Path.of("/usr/sbin");
    private static final Path NGINX = PROGRAMS.resolve("nginx");

    private static final String PAGE = """
            <?php
            $request = curl_init('%s');
            curl_setopt_array($request, [
                CURLOPT_POST => true,
                CURLOPT_RETURNTRANSFER => true,
                CURLOPT_HTTPHEADER => ['Authorization: Basic ' . base64_encode('client:secret-of-the-benchmark')],
                CURLOPT_POSTFIELDS => http_build_query(
                    ['grant_type' => 'refresh_token', 'refresh_token' => $_POST['refresh_token']]),
            ]);
            $body = curl_exec($request);
            http_response_code(curl_getinfo($request, CURLINFO_HTTP_CODE));
            header('Content-Type: application/json');
            echo $body;
            """;

    private PhpServer() {}

    static boolean isInstalled() throws IOException {
        return fpm() != null && Files.isExecutable(NGINX);
    }

    private static @Nullable Path fpm() throws IOException {
        try (Stream<Path> programs = Files.list(PROGRAMS)) {
            return programs.filter(program -> program.getFileName().toString().startsWith("php-fpm"))
                    .findFirst()
                    .orElse(null);
        }
    }

    /** Starts nginx with 64 processes of php-fpm behind it. */
    static BenchmarkProcess start(String tokenUrl) throws IOException {
        Path directory = Files.createTempDirectory("php");
        Path page = Files.writeString(directory.resolve("index.php"), PAGE.formatted(tokenUrl));
        int php = BenchmarkProcess.freePort();
        Path settings = Files.writeString(directory.resolve("fpm.conf"), """
                [global]
                error_log = /dev/null
                [www]
                listen = 127.0.0.1:%d
                pm = static
                pm.max_children = 64
                user = root
                group = root
                access.log = /dev/null
                """.formatted(php));
        BenchmarkProcess fpm = BenchmarkProcess.listening(
                List.of(String.valueOf(fpm()), "--allow-to-run-as-root", "--nodaemonize", "-y", settings.toString()),
                php);
        String location = """
                include /etc/nginx/fastcgi_params;
                fastcgi_param SCRIPT_FILENAME %s;
                fastcgi_pass 127.0.0.1:%d;
                """.formatted(page, php);
        return BenchmarkProcess.nginx("", location).inFrontOf(fpm);
    }
}
