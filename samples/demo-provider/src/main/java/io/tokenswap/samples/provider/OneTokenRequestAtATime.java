package io.tokenswap.samples.provider;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Filter that lets a code or a refresh token be redeemed once, even by two simultaneous requests. Spring looks it up
 * and saves its successor in two steps, and both requests could pass between the steps.
 */
final class OneTokenRequestAtATime extends OncePerRequestFilter {

    private final ReentrantLock redeeming = new ReentrantLock();

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return !SecurityConfiguration.TOKEN_PATH.equals(request.getServletPath());
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        request.getParameterMap(); // reads the body now: a slow sender must not hold the lock
        redeeming.lock();
        try {
            chain.doFilter(request, response);
        } finally {
            redeeming.unlock();
        }
    }
}
