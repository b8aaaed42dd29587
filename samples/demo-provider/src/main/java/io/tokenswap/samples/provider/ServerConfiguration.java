package io.tokenswap.samples.provider;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.UUID;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.web.HttpRequestHandler;
import org.springframework.web.context.support.HttpRequestHandlerServlet;

/** Pages and their paths. The paths of the authorization server are filters, which come first. */
@Configuration(proxyBeanMethods = false)
class ServerConfiguration {

    private static final String ERROR_PATH = "/error";

    @Bean
    TomcatServletWebServerFactory server(Settings settings) throws UnknownHostException {
        QuietTomcat.arrange();
        TomcatServletWebServerFactory server = new TomcatServletWebServerFactory(settings.port());
        server.setAddress(InetAddress.getByAddress("127.0.0.1", new byte[] {127, 0, 0, 1}));
        server.addErrorPages(new org.springframework.boot.web.error.ErrorPage(ERROR_PATH));
        // Cookies do not tell ports apart: two servers on 127.0.0.1 would sign each other's users out.
        server.getSettings()
                .getSession()
                .getCookie()
                .setName("demo-provider-" + UUID.randomUUID().toString().substring(0, 8));
        return server;
    }

    @Bean
    DelegatingFilterProxyRegistrationBean security() {
        return new DelegatingFilterProxyRegistrationBean("springSecurityFilterChain");
    }

    @Bean
    HttpRequestHandler homePage() {
        return new HomePage();
    }

    @Bean
    HttpRequestHandler signInPage() {
        return new SignInPage();
    }

    @Bean
    HttpRequestHandler consentPage(GrantStore grants) {
        return new ConsentPage(grants);
    }

    @Bean
    HttpRequestHandler meResource() {
        return new MeResource();
    }

    @Bean
    HttpRequestHandler errorPage() {
        return new ErrorPage();
    }

    @Bean
    ServletRegistrationBean<HttpRequestHandlerServlet> homePath() {
        return at("homePage", "");
    }

    @Bean
    ServletRegistrationBean<HttpRequestHandlerServlet> signInPath() {
        return at("signInPage", SecurityConfiguration.SIGN_IN_PATH);
    }

    @Bean
    ServletRegistrationBean<HttpRequestHandlerServlet> consentPath() {
        return at("consentPage", SecurityConfiguration.CONSENT_PATH);
    }

    @Bean
    ServletRegistrationBean<HttpRequestHandlerServlet> mePath() {
        return at("meResource", SecurityConfiguration.ME_PATH);
    }

    /** Registers the error page at "/" too. Tomcat does not call the filters for a path without a servlet. */
    @Bean
    ServletRegistrationBean<HttpRequestHandlerServlet> errorPath() {
        return at("errorPage", ERROR_PATH, "/");
    }

    /** Returns a servlet, which finds its handler by the servlet's name. */
    private static ServletRegistrationBean<HttpRequestHandlerServlet> at(String handler, String... paths) {
        ServletRegistrationBean<HttpRequestHandlerServlet> registration =
                new ServletRegistrationBean<>(new HttpRequestHandlerServlet(), paths);
        registration.setName(handler);
        return registration;
    }
}
