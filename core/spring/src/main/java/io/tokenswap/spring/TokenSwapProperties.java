package io.tokenswap.spring;

import io.tokenswap.http.Dialect;
import io.tokenswap.session.TokenStore.Rotates;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties of the starter, checked: a wrong value ends the start with a message that names the property.
 *
 * @param exchange exchange server
 * @param scopes scopes that each user is asked to allow
 * @param publicUri address at which browsers reach this service, with the path that a proxy strips, if any. Never taken from
 *     the Host header. By default http://localhost, the port of the server and spring.webflux.base-path
 * @param api API of the provider
 * @param web paths of the sign-in
 * @param user source of the user's name: a cookie of this library, or the authenticated principal
 * @param users sessions in memory
 * @param store store of the tokens
 * @param keys keys of 32 bytes in Base64 (openssl rand -base64 32). The first one seals, all of them open. Without
 *     keys, a key of this process seals the cookies of sign-ins, and files are plain and owner-only
 * @param refresh when tokens are refreshed
 */
@ConfigurationProperties("tokenswap")
record TokenSwapProperties(
        @DefaultValue Exchange exchange,
        @DefaultValue Set<String> scopes,
        @Nullable URI publicUri,
        @DefaultValue Api api,
        @DefaultValue Web web,
        @DefaultValue("cookie") UserSource user,
        @DefaultValue Users users,
        @DefaultValue Store store,
        @DefaultValue List<String> keys,
        @DefaultValue Refresh refresh) {

    TokenSwapProperties {
        // A list, or separated by spaces as in a request (RFC 6749 section 3.3).
        scopes = scopes.stream()
                .flatMap(text -> Arrays.stream(text.split(" ")))
                .filter(scope -> !scope.isEmpty())
                .collect(Collectors.toCollection(LinkedHashSet::new));
        if (publicUri != null) {
            PublicUri.check("tokenswap.public-uri", publicUri);
        }
    }

    /** Prints no value: keys, headers and URIs may be secret. */
    @Override
    public String toString() {
        return "TokenSwapProperties";
    }

    /**
     * The exchange server.
     *
     * @param uri base URI of the exchange server, https unless it is on loopback. Setting it switches the auto-configuration on
     * @param dialect form of the requests that the exchange server understands
     * @param timeout longest time of one token request
     * @param headers headers of each token request, for example an API key
     */
    record Exchange(
            @Nullable URI uri,
            @DefaultValue("json") Dialect dialect,
            @DefaultValue("15s") Duration timeout,
            @DefaultValue Map<String, String> headers) {

        @Override
        public String toString() {
            return "Exchange";
        }
    }

    /**
     * The provider's API.
     *
     * @param origins servers that may receive the token, for example https://api.example.com. Required for the
     *     BearerExchangeFilter bean
     */
    record Api(@DefaultValue List<URI> origins) {}

    /**
     * The paths of the sign-in.
     *
     * @param enabled whether this service signs users in at the paths below
     * @param loginPath path that begins a sign-in
     * @param redirectPath path of the redirect URI, which the exchange server must allow
     * @param logoutPath path that signs the user out by POST
     * @param homePath page after a sign-in that began at no page, and after a sign-out
     */
    record Web(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("/login") String loginPath,
            @DefaultValue("/auth") String redirectPath,
            @DefaultValue("/logout") String logoutPath,
            @DefaultValue("/") String homePath) {

        Web {
            checkPath("login-path", loginPath);
            checkPath("redirect-path", redirectPath);
            checkPath("logout-path", logoutPath);
            checkPath("home-path", homePath);
        }

        /** Returns the paths as browsers see them. */
        Web under(String basePath) {
            return new Web(
                    enabled, basePath + loginPath, basePath + redirectPath, basePath + logoutPath, basePath + homePath);
        }

        private static void checkPath(String name, String path) {
            if (!ReturnPath.isPath(path)) {
                throw new IllegalArgumentException(
                        "tokenswap.web." + name + " must be a path that begins with one slash");
            }
        }
    }

    /** Source of the user's name. */
    enum UserSource {
        /** A random cookie that is new at each sign-in. */
        COOKIE,
        /** The name of the authenticated principal. */
        PRINCIPAL
    }

    /**
     * The sessions in memory.
     *
     * @param maximumSize number of sessions over which those that have been idle for longest are closed
     * @param idleTimeout time after which an unused session is closed; its token stays in the store
     */
    record Users(
            @DefaultValue("10000") int maximumSize,
            @DefaultValue("30m") Duration idleTimeout) {

        Users {
            if (maximumSize < 1) {
                throw new IllegalArgumentException("tokenswap.users.maximum-size must be at least 1");
            }
            if (idleTimeout.isNegative() || idleTimeout.isZero()) {
                throw new IllegalArgumentException("tokenswap.users.idle-timeout must be longer than zero");
            }
        }
    }

    /** The stores that a property selects. */
    enum StoreType {
        /** Tokens live as long as the process. */
        MEMORY,
        /** Tokens in a directory of this machine. */
        FILE,
        /** Tokens in Redis, shared by several instances; needs tokenswap-redis. */
        REDIS,
        /** Tokens in PostgreSQL, shared by several instances; needs tokenswap-r2dbc. */
        R2DBC
    }

    /**
     * The store of the tokens.
     *
     * @param type kind of the store
     * @param file options of the store in files
     * @param redis options of the store in Redis
     * @param r2dbc options of the store in PostgreSQL
     * @param grace how long the provider accepts a used refresh token again; 30s behind the exchange server of this project
     * @param rotates whether the provider returns a new refresh token at each refresh
     * @param unused time without a write after which a token is removed
     */
    record Store(
            @DefaultValue("memory") StoreType type,
            @DefaultValue File file,
            @DefaultValue Redis redis,
            @DefaultValue R2dbc r2dbc,
            @DefaultValue("0s") Duration grace,
            @DefaultValue("learn") Rotates rotates,
            @DefaultValue("180d") Duration unused) {

        /**
         * The store in files.
         *
         * @param path directory of the files, one for each user. Required by the type file
         */
        record File(@Nullable Path path) {}

        /**
         * The store in Redis.
         *
         * @param uri address of the Redis server, for example redis://localhost:6379. Without it, a RedisClient bean is used
         * @param replicas number of replicas that must have a write before it is complete
         */
        record Redis(
                @Nullable String uri, @DefaultValue("0") int replicas) {

            /** The URI may hold a password. */
            @Override
            public String toString() {
                return "Redis";
            }
        }

        /**
         * The store in PostgreSQL, over the bean of type ConnectionFactory.
         *
         * @param table the table, with or without its schema
         */
        record R2dbc(@DefaultValue("tokenswap_tokens") String table) {}
    }

    /**
     * The refreshes.
     *
     * @param margin how long before expiry a token is refreshed
     * @param clockSkew how long before expiry a token is not used any more
     * @param jitter longest time by which a refresh is moved ahead at random
     * @param grantLifetime how long after the sign-in the provider ends the grant; unlimited by default
     */
    record Refresh(
            @DefaultValue("5m") Duration margin,
            @DefaultValue("10s") Duration clockSkew,
            @DefaultValue("30s") Duration jitter,
            @Nullable Duration grantLifetime) {}
}
