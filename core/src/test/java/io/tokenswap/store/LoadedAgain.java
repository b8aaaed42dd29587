package io.tokenswap.store;

import io.tokenswap.session.TokenStore;
import io.tokenswap.session.TokenStore.Kind;
import io.tokenswap.session.TokenStore.Record;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;

/** Another application of this process, which has loaded all classes once more. */
final class LoadedAgain implements AutoCloseable {

    private final URLClassLoader loader;

    LoadedAgain() throws MalformedURLException {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(Path.of(entry).toUri().toURL());
        }
        loader = new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }

    /** Returns operations of a store of that application, by name. */
    Store store(Path directory, String key) throws Exception {
        Object operations = inside(() -> loader.loadClass(Operations.class.getName())
                .getConstructor(Path.class, String.class)
                .newInstance(directory, key));
        Method run = operations.getClass().getMethod("run", String.class);
        return operation -> (String) inside(() -> run.invoke(operations, operation));
    }

    /** A store of that application. */
    interface Store {
        String run(String operation) throws Exception;
    }

    /** Runs {@link WorkerProcess#main} in that application. */
    void run(String... task) throws Exception {
        Method main = loader.loadClass(WorkerProcess.class.getName()).getMethod("main", String[].class);
        main.setAccessible(true);
        inside(() -> main.invoke(null, (Object) task));
    }

    /** Calls with the class loader of that application as the thread's, as a container does. */
    private Object inside(Callable<?> call) throws Exception {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        Thread.currentThread().setContextClassLoader(loader);
        try {
            return call.call();
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }

    /** Loaded twice, so that its methods are called by their names. */
    public static final class Operations {

        private final TokenStore store;
        private final String key;

        public Operations(Path directory, String key) {
            this.store = FileTokenStore.ofDirectory(directory);
            this.key = key;
        }

        public String run(String operation) {
            Record record = Objects.requireNonNull(store.load(key).block().record());
            switch (operation) {
                case "acquire" -> {
                    return store.acquire(key, "again", record.version(), Duration.ofSeconds(20))
                            .block()
                            .outcome()
                            .name();
                }
                case "put" -> {
                    store.put(key, record, Kind.REFRESH, "other", 0).block();
                    return "";
                }
                case "release" -> {
                    store.release(key, "again", 1, Duration.ZERO, true).block();
                    return "";
                }
                default -> throw new IllegalArgumentException(operation);
            }
        }
    }
}
