package io.tokenswap.spring;

import java.util.function.Supplier;

/** A property that is missing or that cannot be used. The message names the property and the remedy. */
final class SettingException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    SettingException(String message) {
        super(message);
    }

    /** Returns what the values of a property make, or fails with an exception that names the property. */
    static <T> T naming(String property, Supplier<T> made) {
        try {
            return made.get();
        } catch (IllegalArgumentException refused) {
            throw new SettingException(property + " cannot be used. " + refused.getMessage());
        }
    }
}
