package io.tokenswap.samples.provider;

import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.HttpRequestHandler;

/** Page for an error that cannot be sent back to an application. Tomcat's own page would name its version. */
final class ErrorPage implements HttpRequestHandler {

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Object code = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE);
        int status = code instanceof Integer known ? known : HttpServletResponse.SC_NOT_FOUND;
        HttpStatus meaning = HttpStatus.resolve(status);
        String title = meaning == null ? "Error " + status : status + " " + meaning.getReasonPhrase();
        String message = message(status, request.getAttribute(RequestDispatcher.ERROR_MESSAGE));
        Html.write(response, status, title, "<p>" + Html.escape(message) + "</p>");
    }

    private static String message(int status, @Nullable Object given) {
        if (status < HttpServletResponse.SC_INTERNAL_SERVER_ERROR && given instanceof String text && !text.isBlank()) {
            return text;
        }
        return status == HttpServletResponse.SC_NOT_FOUND ? "There is no such page." : "Please start again.";
    }
}
