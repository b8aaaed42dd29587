package io.tokenswap.internal;

import java.util.List;

/**
 * Headers by which a browser marks a request that it sends ahead of a navigation, for example to prefetch a link. Such a
 * request must not use up a redirect, because its response may never be shown.
 *
 * @see <a href="https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header">Sec-Purpose</a>
 */
public final class Speculation {

    /** The standard header, and those of older Chrome, Safari and Firefox. */
    public static final List<String> HEADERS = List.of("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz");

    private Speculation() {}
}
