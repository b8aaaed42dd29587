/** A program that signs a user in and keeps the token fresh: what an application would write, and a tool to try servers with. */
@NullMarked
package io.tokenswap.samples.desktop;

import org.jspecify.annotations.NullMarked;
