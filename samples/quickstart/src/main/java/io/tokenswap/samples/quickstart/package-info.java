/** Short programs, one for each way to use the library. Each of them is one file, to be read from top to bottom. */
package io.tokenswap.samples.quickstart;
