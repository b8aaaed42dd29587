/**
 * Reads settings from variables and files, and finds the mistakes that operators make there: typos in names, quotes and
 * placeholders that were not replaced, secrets out of examples, and addresses that an orchestrator put into the environment.
 */
@NullMarked
package io.tokenswap.samples.exchange.config;

import org.jspecify.annotations.NullMarked;
