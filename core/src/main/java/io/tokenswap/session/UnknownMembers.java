package io.tokenswap.session;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Members of a stored record that this release does not know. They are written again with the successors of the record, so that a
 * later release finds them.
 *
 * @param clear members of the clear part
 * @param sealed members of the sealed part
 */
record UnknownMembers(Map<String, @Nullable Object> clear, Map<String, @Nullable Object> sealed) {

    static final UnknownMembers NONE = new UnknownMembers(Map.of(), Map.of());

    /** Values may be secrets of a later release. */
    @Override
    public String toString() {
        return "UnknownMembers[clear=" + clear.keySet() + ", sealed=" + sealed.keySet() + "]";
    }
}
