/* Signals that interrupt calls, and what the library leaves as it was. Pattern answers only after
 * 100 ms. */
#define _XOPEN_SOURCE 700
#include "check.h"

#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t interruptions;

static void interrupt(int number) {
    (void)number;
    interruptions += 1;
}

static void every_us(long us) {
    struct itimerval timer;
    memset(&timer, 0, sizeof timer);
    timer.it_interval.tv_usec = timer.it_value.tv_usec = us;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* Who handles each signal, and which are blocked. */
static void look(struct sigaction handlers[], sigset_t *blocked) {
    int number;
    for (number = 1; number < 32; ++number) {
        CHECK(sigaction(number, NULL, &handlers[number]) == 0);
    }
    CHECK(sigprocmask(SIG_BLOCK, NULL, blocked) == 0);
}

int main(void) {
    struct sigaction before[32], after[32], handler;
    sigset_t blocked_before, blocked_after;
    const caretoken_token *token = NULL;
    caretoken_client *client;
    int number;

    /* Without SA_RESTART. */
    memset(&handler, 0, sizeof handler);
    handler.sa_handler = interrupt;
    CHECK(sigaction(SIGALRM, &handler, NULL) == 0);
    look(before, &blocked_before);

    every_us(500);
    client = client_of(sandbox_config("pattern"));
    WORKS(caretoken_client_token(client, 20000, &token, &error));
    every_us(0);
    CHECK(interruptions > 5);
    caretoken_token_free(token);
    caretoken_client_free(client);

    look(after, &blocked_after);
    for (number = 1; number < 32; ++number) {
        CHECK(after[number].sa_handler == before[number].sa_handler);
        CHECK(sigismember(&blocked_after, number) == sigismember(&blocked_before, number));
    }
    return 0;
}
