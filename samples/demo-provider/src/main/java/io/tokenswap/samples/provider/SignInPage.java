package io.tokenswap.samples.provider;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.HttpRequestHandler;

/** Page that asks for the demo user, with name and password already filled in. */
final class SignInPage implements HttpRequestHandler {

    @Override
    public void handleRequest(HttpServletRequest request, HttpServletResponse response) throws IOException {
        CsrfToken csrf = (CsrfToken) request.getAttribute(CsrfToken.class.getName());
        String failure = request.getParameter("error") == null
                ? ""
                : "<p class=\"bad\" role=\"alert\">Wrong name or password: both are “demo”.</p>";
        Html.write(response, HttpServletResponse.SC_OK, "Sign in", """
                <p>This server only pretends to be a music service. Its one user is called <strong>%1$s</strong>.</p>
                %3$s
                <form method="post" action="%6$s">
                <input type="hidden" name="%4$s" value="%5$s">
                <label>User name <input id="username" name="username" value="%1$s" autocomplete="off" required></label>
                <label>Password <input id="password" name="password" type="password" value="%2$s" autocomplete="off" required></label>
                <button id="sign-in" type="submit" autofocus>Sign in as Demo user</button>
                </form>
                """.formatted(
                        DemoUser.NAME,
                        DemoUser.PASSWORD,
                        failure,
                        csrf.getParameterName(),
                        csrf.getToken(),
                        SecurityConfiguration.SIGN_IN_PATH));
    }
}
