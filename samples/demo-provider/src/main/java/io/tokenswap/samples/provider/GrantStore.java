package io.tokenswap.samples.provider;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.security.oauth2.core.OAuth2AccessToken;
import org.springframework.security.oauth2.core.OAuth2RefreshToken;
import org.springframework.security.oauth2.core.endpoint.OAuth2ParameterNames;
import org.springframework.security.oauth2.server.authorization.OAuth2Authorization;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationCode;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationService;
import org.springframework.security.oauth2.server.authorization.OAuth2TokenType;

/**
 * Grants of the user, with every access token of each grant.
 *
 * <p>Spring's in-memory service keeps one access token for each grant, so a refresh would end the token in use. At
 * Spotify each token stays valid until it expires, which lets a client refresh ahead of time. This store therefore
 * keeps all of them. Each look-up is by key, because a load test makes thousands of grants.
 */
final class GrantStore implements OAuth2AuthorizationService {

    /** Number of grants that are kept. Beyond it, the grants that were used least recently are forgotten. */
    private static final int LIMIT = 20_000;

    private final Clock clock;
    private final boolean detectReuse;
    private final Map<String, OAuth2Authorization> grants = new LinkedHashMap<>();
    private final Map<String, String> idByToken = new HashMap<>();
    private final Map<String, AccessToken> accessTokens = new LinkedHashMap<>();
    /** Refresh tokens that were replaced, and the ids of their grants. */
    private final Map<String, String> idByReplacedToken = new HashMap<>();

    GrantStore(Clock clock, boolean detectReuse) {
        this.clock = clock;
        this.detectReuse = detectReuse;
    }

    /** Valid token and the id of its grant. */
    record AccessToken(OAuth2AccessToken token, String grantId) {}

    @Override
    public synchronized void save(OAuth2Authorization grant) {
        noteReplaced(grants.get(grant.getId()), grant);
        forget(grant.getId());
        grants.put(grant.getId(), grant);
        keys(grant).forEach(key -> idByToken.put(key, grant.getId()));
        OAuth2Authorization.Token<OAuth2AccessToken> issued = grant.getAccessToken();
        if (issued != null) {
            removeExpired();
            OAuth2AccessToken token = issued.getToken();
            accessTokens.putIfAbsent(token.getTokenValue(), new AccessToken(token, grant.getId()));
        }
        if (grants.size() > LIMIT) {
            forget(grants.keySet().iterator().next());
        }
    }

    @Override
    public synchronized void remove(OAuth2Authorization grant) {
        forget(grant.getId());
    }

    @Override
    public synchronized @Nullable OAuth2Authorization findById(String id) {
        return grants.get(id);
    }

    @Override
    public synchronized @Nullable OAuth2Authorization findByToken(String token, @Nullable OAuth2TokenType type) {
        List<String> types = type != null
                ? List.of(type.getValue())
                : List.of(
                        OAuth2ParameterNames.STATE,
                        OAuth2ParameterNames.CODE,
                        OAuth2ParameterNames.ACCESS_TOKEN,
                        OAuth2ParameterNames.REFRESH_TOKEN);
        for (String each : types) {
            String id = idByToken.get(key(each, token));
            if (id != null) {
                return grants.get(id);
            }
            String reused = idByReplacedToken.get(key(each, token));
            if (reused != null) {
                forget(reused);
            }
        }
        return null;
    }

    private void noteReplaced(@Nullable OAuth2Authorization before, OAuth2Authorization after) {
        String replaced = refreshToken(before);
        if (detectReuse && replaced != null && !replaced.equals(refreshToken(after))) {
            idByReplacedToken.put(key(OAuth2ParameterNames.REFRESH_TOKEN, replaced), after.getId());
        }
    }

    private static @Nullable String refreshToken(@Nullable OAuth2Authorization grant) {
        OAuth2Authorization.Token<OAuth2RefreshToken> token = grant == null ? null : grant.getRefreshToken();
        return token == null ? null : token.getToken().getTokenValue();
    }

    /** Returns an access token, or null if it is unknown, expired or revoked. */
    synchronized @Nullable AccessToken findAccessToken(String value) {
        AccessToken found = accessTokens.get(value);
        if (found == null || isExpired(found)) {
            return null;
        }
        OAuth2Authorization grant = grants.get(found.grantId());
        OAuth2Authorization.Token<OAuth2AccessToken> latest = grant == null ? null : grant.getAccessToken();
        return latest == null || latest.isInvalidated() ? null : found;
    }

    synchronized boolean revoke(String refreshToken) {
        String id = idByToken.get(key(OAuth2ParameterNames.REFRESH_TOKEN, refreshToken));
        if (id != null) {
            forget(id);
        }
        return id != null;
    }

    synchronized void revokeAll() {
        grants.clear();
        idByToken.clear();
        idByReplacedToken.clear();
        accessTokens.clear();
    }

    private void forget(String id) {
        OAuth2Authorization old = grants.remove(id);
        if (old != null) {
            keys(old).forEach(idByToken::remove);
        }
    }

    /** Removes expired tokens. All have the same lifetime, so the oldest come first. */
    private void removeExpired() {
        var oldestFirst = accessTokens.values().iterator();
        while (oldestFirst.hasNext() && isExpired(oldestFirst.next())) {
            oldestFirst.remove();
        }
    }

    private boolean isExpired(AccessToken token) {
        Instant expiresAt = Objects.requireNonNull(token.token().getExpiresAt());
        return !clock.instant().isBefore(expiresAt);
    }

    private static List<String> keys(OAuth2Authorization grant) {
        List<String> keys = new ArrayList<>();
        String state = grant.getAttribute(OAuth2ParameterNames.STATE);
        if (state != null) {
            keys.add(key(OAuth2ParameterNames.STATE, state));
        }
        OAuth2Authorization.Token<OAuth2AuthorizationCode> code = grant.getToken(OAuth2AuthorizationCode.class);
        if (code != null) {
            keys.add(key(OAuth2ParameterNames.CODE, code.getToken().getTokenValue()));
        }
        OAuth2Authorization.Token<OAuth2AccessToken> access = grant.getAccessToken();
        if (access != null) {
            keys.add(key(OAuth2ParameterNames.ACCESS_TOKEN, access.getToken().getTokenValue()));
        }
        OAuth2Authorization.Token<OAuth2RefreshToken> refresh = grant.getRefreshToken();
        if (refresh != null) {
            keys.add(key(OAuth2ParameterNames.REFRESH_TOKEN, refresh.getToken().getTokenValue()));
        }
        return keys;
    }

    private static String key(String type, String value) {
        return type + ' ' + value;
    }
}
