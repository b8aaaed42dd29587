/** Program that signs a user in and keeps the token fresh: an example of an application, and a tool to try servers. */
@NullMarked
package io.tokenswap.samples.desktop;

import org.jspecify.annotations.NullMarked;
