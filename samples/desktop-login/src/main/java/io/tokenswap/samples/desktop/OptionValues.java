package io.tokenswap.samples.desktop;

import io.tokenswap.callback.LoopbackReceiver;
import io.tokenswap.http.Dialect;
import io.tokenswap.samples.desktop.DesktopLogin.BrowserChoice;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parsers of the values of the command line. A message names a correct value and repeats no URL, which may hold a key. */
final class OptionValues {

    private OptionValues() {}

    static void register(CommandLine commandLine) {
        commandLine
                .registerConverter(URI.class, OptionValues::uri)
                .registerConverter(Long.class, OptionValues::number)
                .registerConverter(Duration.class, OptionValues::duration)
                .registerConverter(Dialect.class, text -> constant(Dialect.class, text))
                .registerConverter(BrowserChoice.class, text -> constant(BrowserChoice.class, text));
    }

    private static URI uri(String text) {
        try {
            URI uri = new URI(text);
            if (uri.getHost() != null) {
                return uri;
            }
        } catch (URISyntaxException malformed) {
            throw new TypeConversionException(
                    "no URL like https://auth.example.com, because of character " + (malformed.getIndex() + 1));
        }
        throw new TypeConversionException("no URL like https://auth.example.com");
    }

    /** Parser of an address of the receiver, which is checked before anything is started. */
    static final class ListenUri implements ITypeConverter<URI> {

        @Override
        public URI convert(String text) {
            try {
                URI uri = new URI(text);
                LoopbackReceiver.create().redirectUri(uri);
                return uri;
            } catch (URISyntaxException | IllegalArgumentException wrong) {
                throw new TypeConversionException("no address of this machine like http://127.0.0.1:4002/auth");
            }
        }
    }

    private static Long number(String text) {
        if (!text.matches("-?[0-9]{1,18}")) {
            throw new TypeConversionException("'" + text + "' is no number like 3");
        }
        return Long.valueOf(text);
    }

    private static Duration duration(String text) {
        Duration duration =
                text.matches("[0-9]{1,6}[smh]") ? Duration.parse("PT" + text.toUpperCase(Locale.ROOT)) : Duration.ZERO;
        if (duration.isZero()) {
            throw new TypeConversionException("'" + text + "' is not a time like 30s, 5m or 1h");
        }
        return duration;
    }

    /**
     * Finds a constant in the spelling of a command line, {@code single-uri}, or of the library's messages,
     * {@code SINGLE_URI}.
     */
    private static <E extends Enum<E>> E constant(Class<E> type, String text) {
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> constant.name().equalsIgnoreCase(text.replace('-', '_')))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("'" + text + "' is none of "
                        + Arrays.stream(type.getEnumConstants())
                                .map(OptionValues::spelling)
                                .collect(Collectors.joining(", "))));
    }

    static String spelling(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
