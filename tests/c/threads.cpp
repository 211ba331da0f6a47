// Threads that share a client, for tools that look for races. With an argument the program has a race of
// its own, which they must find: "race" in its threads, "callback" in a callback.
#include "caretoken.hpp"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

caretoken::config sandbox_config(const std::string &vendor);

using namespace std::chrono_literals;

#define CHECK(claim)                                                                 \
    do {                                                                             \
        if (!(claim)) {                                                              \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
            std::exit(1);                                                            \
        }                                                                            \
    } while (0)

// What the callback notes, under a lock of the program's own.
struct notes {
    std::mutex mutex;
    std::vector<std::string> events;
};

// Tokens that threads hand to each other, under a lock of the program's own.
class kept {
   public:
    void keep(caretoken::token token) {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const caretoken::token &other : tokens_) {
            CHECK(other.vendor() == token.vendor() && other.extra("nothing").empty());
            CHECK(other.authorization().substr(0, 7) == "Bearer ");
        }
        tokens_.push_back(std::move(token));
        if (tokens_.size() > 3) {
            tokens_.erase(tokens_.begin());
        }
    }

   private:
    std::mutex mutex_;
    std::vector<caretoken::token> tokens_;
};

static void use(const caretoken::client &client, const std::string &secret, kept &shared,
                int number) {
    for (int round = 0; round < 4; ++round) {
        const auto token = client.token(20s).value();
        CHECK(token.authorization().size() > 7);
        char buffer[4096];
        CHECK(client.authorization(buffer, sizeof buffer, 20s));
        const std::string copy(token.access_token());
        shared.keep(token.clone());
        if (number == 0) {
            client.reject(token).value();
            client.set_credential("client_secret", secret).value();
        }
        if (number == 1) {
            const auto sibling = caretoken::client::create(client.sibling().value()).value();
            CHECK(sibling.token(20s));
        }
        client.peek().value();
        CHECK(client.refresh_if_due());
        client.stats().value();
        CHECK(!client.token(-1ms));
    }
}

static int counted;

int main(int count, char **arguments) {
    const std::string_view wrong = count > 1 ? arguments[1] : "nothing";
    notes taken;
    kept shared;
    {
        auto config = sandbox_config("pattern");
        config
            .on_event([&](const caretoken::event &event) {
                if (wrong == "callback") {
                    ++counted;
                }
                const std::lock_guard<std::mutex> lock(taken.mutex);
                taken.events.emplace_back(event.name);
            })
            .value();
        const auto client = caretoken::client::create(config).value();
        const std::string secret = std::getenv("PATTERN_CLIENT_SECRET");
        std::vector<std::thread> threads;
        for (int number = 0; number < 4; ++number) {
            threads.emplace_back([&, number] { use(client, secret, shared, number); });
        }
        for (std::thread &thread : threads) {
            thread.join();
        }
        if (wrong == "callback") {
            // Clients of their own: no lock but the callback's orders what their threads do.
            const auto first = caretoken::client::create(config).value();
            const auto second = caretoken::client::create(config).value();
            std::thread one([&] { CHECK(first.token(20s)); });
            std::thread other([&] { CHECK(second.token(20s)); });
            one.join();
            other.join();
        }
    }
    CHECK(taken.events.size() >= 4);

    if (wrong == "race") {
        std::thread other([] { ++counted; });
        ++counted;
        other.join();
    }
    return 0;
}
