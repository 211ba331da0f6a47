/*
 * Does what tests/memory.rs tells it over stdin, one command after the other, so that the test can
 * look into this process's memory in between. It leaves no copy of a secret itself: commands are
 * read into one buffer that is wiped, and tokens are written straight out of the library's memory.
 *
 * A command is one letter and two texts, each with its length before it (native uint32_t). The
 * reply is 0x1e, a length, and so many bytes.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caretoken.h"

#define MOST (512 * 1024)
#define THREADS 8

static char command[1], first[MOST], second[MOST];
static uint32_t first_len, second_len;

static caretoken_config *config;
static caretoken_client *client;
static const caretoken_token *token;

/* What the vector registers held as the last calls of the library returned. */
#define SNAPSHOTS 32
static unsigned char snapshots[SNAPSHOTS][4096] __attribute__((aligned(64)));
static int next_snapshot;

/* Stores the vector registers; nothing else may touch them before. */
static void store_registers(unsigned char *to) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx")) {
        /* x87, XMM, YMM, ZMM */
        __asm__ volatile("xsave64 (%0)" ::"r"(to), "a"(0xe7), "d"(0) : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" ::"r"(to) : "memory");
    }
#elif defined(__aarch64__)
    __asm__ volatile("stp q0, q1, [%0]\n stp q2, q3, [%0, #32]\n"
                     "stp q4, q5, [%0, #64]\n stp q6, q7, [%0, #96]\n"
                     "stp q8, q9, [%0, #128]\n stp q10, q11, [%0, #160]\n"
                     "stp q12, q13, [%0, #192]\n stp q14, q15, [%0, #224]\n"
                     "stp q16, q17, [%0, #256]\n stp q18, q19, [%0, #288]\n"
                     "stp q20, q21, [%0, #320]\n stp q22, q23, [%0, #352]\n"
                     "stp q24, q25, [%0, #384]\n stp q26, q27, [%0, #416]\n"
                     "stp q28, q29, [%0, #448]\n stp q30, q31, [%0, #480]" ::"r"(to)
                     : "memory");
#else
    (void)to;
#endif
}

static void handled(int number) {
    (void)number;
}

/* Called as soon as the library has returned: keeps the registers, and lets the kernel spill them to
 * the stack for a signal handler. */
static void look_at_registers(void) {
    store_registers(snapshots[next_snapshot++ % SNAPSHOTS]);
    raise(SIGUSR1);
}

/* Leaves the 16 bytes of the command in vector registers alone. */
static void load_registers(void) {
#if defined(__x86_64__)
    __asm__ volatile("movdqu (%0), %%xmm7\n movdqu (%0), %%xmm15" ::"r"(second)
                     : "xmm7", "xmm15");
#elif defined(__aarch64__)
    __asm__ volatile("ldr q7, [%0]\n ldr q31, [%0]" ::"r"(second) : "v7", "v31");
#endif
    for (volatile char *at = second; at < second + 16; at++) {
        *at = 0;
    }
}

static void take(void *at, size_t len) {
    char *to = at;
    while (len > 0) {
        ssize_t got = read(STDIN_FILENO, to, len);
        if (got <= 0) {
            exit(0);
        }
        to += got;
        len -= (size_t)got;
    }
}

static void give(const void *at, size_t len) {
    const char *from = at;
    while (len > 0) {
        ssize_t put = write(STDOUT_FILENO, from, len);
        if (put <= 0) {
            exit(1);
        }
        from += put;
        len -= (size_t)put;
    }
}

static void reply(const char *data, size_t len) {
    const char mark = 0x1e;
    uint32_t size = (uint32_t)len;
    give(&mark, 1);
    give(&size, sizeof size);
    give(data, len);
}

static void reply_status(caretoken_status status) {
    char text[16];
    int len = snprintf(text, sizeof text, "%d", (int)status);
    reply(text, (size_t)len);
}

/* A config of the profile in this file. */
static void start_from_file(const char *path) {
    const caretoken_profile *profile = NULL;
    caretoken_status status = caretoken_profile_load(path, &profile, NULL);
    if (status == CARETOKEN_OK) {
        status = caretoken_config_from_profile(profile, &config, NULL);
    }
    caretoken_profile_free(profile);
    reply_status(status);
}

/* Fetches; replies with the token, or the status when there is none. */
static void fetch(long timeout_ms) {
    caretoken_status status = caretoken_client_token(client, timeout_ms, &token, NULL);
    look_at_registers();
    if (status == CARETOKEN_OK) {
        reply(token->access_token.data, token->access_token.len);
    } else {
        reply_status(status);
    }
}

static void *fetch_slowly(void *unused) {
    static caretoken_status status;
    (void)unused;
    status = caretoken_client_token(client, 30000, &token, NULL);
    return &status;
}

/* Takes the cached token in each way there is; it is left in no place. */
static void hit(void) {
    static char buffer[8192];
    size_t length = 0;
    const caretoken_token *cached = NULL;
    caretoken_status status = caretoken_client_authorization(client, 0, buffer, sizeof buffer,
                                                             &length, NULL);
    look_at_registers();
    if (status == CARETOKEN_OK) {
        status = caretoken_client_token(client, 0, &cached, NULL);
        look_at_registers();
        caretoken_token_free(cached);
        look_at_registers();
    }
    caretoken_wipe(buffer, sizeof buffer);
    look_at_registers();
    reply_status(status);
}

/* Fetches in another thread and cancels that once it is under way. */
static void cancel(void) {
    pthread_t thread;
    void *status;
    pthread_create(&thread, NULL, fetch_slowly, NULL);
    usleep(300 * 1000);
    caretoken_client_cancel(client, NULL);
    pthread_join(thread, &status);
    reply_status(*(caretoken_status *)status);
}

struct work {
    long fetches;
    char buffer[8192];
    size_t length;
};

/* Each thread fetches again and again: whoever the token is for is set anew, which drops it. */
static void *work(void *data) {
    struct work *mine = data;
    caretoken_client *own = NULL;
    caretoken_status status = caretoken_client_new(config, &own, NULL);
    for (long n = 0; status == CARETOKEN_OK && n < mine->fetches; n++) {
        const caretoken_token *fresh;
        status = caretoken_client_token(own, 30000, &fresh, NULL);
        if (status == CARETOKEN_OK) {
            caretoken_token_free(fresh);
            status = caretoken_client_authorization(own, 30000, mine->buffer, sizeof mine->buffer,
                                                    &mine->length, NULL);
        }
        if (status == CARETOKEN_OK && n + 1 < mine->fetches) {
            caretoken_client_set_credential(own, first, second, second_len, NULL);
        }
    }
    caretoken_client_free(own);
    return status == CARETOKEN_OK ? mine : NULL;
}

/* So many fetches on eight threads. Replies with each thread's last Authorization. */
static void many(void) {
    static struct work works[THREADS];
    pthread_t threads[THREADS];
    uint32_t fetches, len = 0;
    const char mark = 0x1e;
    take(&fetches, sizeof fetches);
    for (int n = 0; n < THREADS; n++) {
        works[n].fetches = (long)fetches / THREADS;
        pthread_create(&threads[n], NULL, work, &works[n]);
    }
    for (int n = 0; n < THREADS; n++) {
        void *done;
        pthread_join(threads[n], &done);
        if (done == NULL) {
            works[n].length = 0;
        }
        len += (uint32_t)works[n].length + 1;
    }
    give(&mark, 1);
    give(&len, sizeof len);
    for (int n = 0; n < THREADS; n++) {
        /* Not copied: memcpy would leave pieces in vector registers. */
        give(works[n].buffer, works[n].length);
        give("\n", 1);
    }
    caretoken_wipe(works, sizeof works);
}

/* In a forked child: reads the cached token, frees everything, waits. Replies with its pid. */
static void forked(void) {
    int told[2];
    char text[32];
    if (pipe(told) != 0) {
        exit(1);
    }
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        const caretoken_token *cached = NULL;
        caretoken_client_peek(client, &cached, NULL);
        char is_there = cached != NULL;
        caretoken_token_free(cached);
        caretoken_token_free(token);
        caretoken_client_free(client);
        if (write(told[1], &is_there, 1) != 1) {
            _exit(1);
        }
        pause();
        _exit(0);
    }
    char is_there = 0;
    if (read(told[0], &is_there, 1) != 1) {
        exit(1);
    }
    int len = snprintf(text, sizeof text, "%d", is_there ? (int)child : 0);
    reply(text, (size_t)len);
}

int main(void) {
    caretoken_status status;
#ifdef PR_SET_PTRACER
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* gcore is no ancestor of ours */
#endif
    signal(SIGUSR1, handled);
    signal(SIGQUIT, SIG_DFL); /* a background job of a shell has it ignored, and would write no core */
    for (;;) {
        take(command, 1);
        take(&first_len, sizeof first_len);
        take(first, first_len);
        take(&second_len, sizeof second_len);
        take(second, second_len);
        first[first_len] = '\0';
        switch (command[0]) {
        case 'c':
            reply_status(caretoken_config_new(first, &config, NULL));
            break;
        case 'j':
            start_from_file(first);
            break;
        case 's':
            status = caretoken_config_set(config, first, second, second_len, NULL);
            look_at_registers();
            reply_status(status);
            break;
        case 'n':
            status = caretoken_client_new(config, &client, NULL);
            look_at_registers();
            caretoken_config_free(config);
            look_at_registers();
            config = NULL;
            reply_status(status);
            break;
        case 't':
            fetch(atol(first));
            break;
        case 'h':
            hit();
            break;
        case 'x':
            cancel();
            break;
        case 'm':
            many();
            break;
        case 'k':
            forked();
            break;
        case 'f':
            caretoken_token_free(token);
            look_at_registers();
            caretoken_client_free(client);
            look_at_registers();
            caretoken_config_free(config);
            look_at_registers();
            token = NULL;
            client = NULL;
            config = NULL;
            reply("", 0);
            break;
        case 'p': { /* plants a copy, for the scanner to find */
            char *planted = malloc(second_len);
            if (planted != NULL) {
                memcpy(planted, second, second_len);
            }
            reply("", 0);
            break;
        }
        case 'r': /* leaves a piece in registers alone, or also where the scanner can read it */
            load_registers();
            if (first[0] == 'l') {
                look_at_registers();
            }
            reply("", 0);
            continue;
        default:
            exit(1);
        }
        caretoken_wipe(first, first_len);
        caretoken_wipe(second, second_len);
    }
}
