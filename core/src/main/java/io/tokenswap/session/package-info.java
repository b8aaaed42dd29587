/**
 * Sessions: a token that stays fresh for any number of subscribers.
 *
 * <p>Start at {@link io.tokenswap.session.TokenSession}. Its builder takes a {@link io.tokenswap.TokenEndpoint}, which obtains
 * tokens; a {@link io.tokenswap.session.RefreshPolicy}, which decides when to refresh; and a
 * {@link io.tokenswap.session.TokenStore}, where tokens outlive the process. {@link io.tokenswap.session.SessionEvent} reports
 * what happened to the token.
 *
 * <p>This package uses the root package and Reactor only. It sends no HTTP requests itself.
 */
@NullMarked
package io.tokenswap.session;

import org.jspecify.annotations.NullMarked;
