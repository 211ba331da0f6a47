#include <caretoken.hpp>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

int main() {
    try {
        auto config = caretoken::config::create("pattern").value();
        config.set("base_url", std::getenv("PATTERN_BASE_URL")).value();
        config.set("client_id", std::getenv("PATTERN_CLIENT_ID")).value();
        config.set("client_secret", std::getenv("PATTERN_CLIENT_SECRET")).value();
        if (const char *ca_file = std::getenv("CARETOKEN_CA_FILE")) {
            config.set("ca_file", ca_file).value();
        }
        const auto client = caretoken::client::create(config).value();

        // Any number of threads, one client: they share one token and one fetch.
        std::atomic<int> got{0};
        std::vector<std::thread> workers;
        for (int i = 0; i < 8; ++i) {
            workers.emplace_back([&] {
                // Ask before each request. Within a request of your own, allow only what it can wait.
                if (auto token = client.token(std::chrono::seconds(5))) {
                    ++got;
                }
            });
        }

        // Optional: renews the token before anybody has to wait for it.
        std::mutex mutex;
        std::condition_variable end;
        bool is_ending = false;
        std::thread timer([&] {
            std::unique_lock lock(mutex);
            while (!end.wait_for(lock, std::chrono::seconds(30), [&] { return is_ending; })) {
                lock.unlock();
                if (auto refreshed = client.refresh_if_due(); !refreshed) {
                    std::cerr << refreshed.error().line() << '\n';
                }
                lock.lock();
            }
        });

        for (auto &worker : workers) {
            worker.join();
        }
        // At the end of the program: whoever waits in a call returns within 100 ms.
        {
            const std::lock_guard lock(mutex);
            is_ending = true;
        }
        end.notify_all();
        client.cancel().value();
        timer.join();
        std::cout << got << " threads, " << client.stats().value().fetches << " fetch\n";
    } catch (const caretoken::exception &e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
