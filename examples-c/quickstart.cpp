// One token from each of the four vendors, and one call with it to the vendor's protected resource.
//
// caretoken fetches the tokens; libcurl is here only because the resource is somebody else's API.
// In a checkout `make -C examples-c run` starts the sandbox that plays the vendors, and runs it.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include <curl/curl.h>

#include "caretoken.hpp"
#include "sandbox.h"

static const char *environment(const char *variable) {
    const char *value = std::getenv(variable);
    if (value == nullptr) {
        throw std::runtime_error(std::string("set the environment variable ") + variable);
    }
    return value;
}

// A client. A program makes it once and shares it among its threads.
static caretoken::client make_client(const vendor &vendor) {
    auto config = caretoken::config::create(vendor.name).value();
    for (const setting *setting = vendor.settings; setting->name != nullptr; ++setting) {
        config.set(setting->name, environment(setting->variable)).value();
    }
    if (vendor.name == std::string_view("parchment")) {
        config.set("scopes", PARCHMENT_SCOPES).value();
    }
    config.set("ca_file", environment("CARETOKEN_CA_FILE")).value();
    config.on_event([](const caretoken::event &event) {
              if (event.status != CARETOKEN_OK) {
                  std::fprintf(stderr, "%s\n", event.message.data());
              }
          })
        .value();
    return caretoken::client::create(config).value();
}

// Headers for libcurl, wiped when they are no longer needed.
class headers {
   public:
    headers() = default;
    headers(const headers &) = delete;
    headers &operator=(const headers &) = delete;
    ~headers() {
        for (curl_slist *header = list_; header != nullptr; header = header->next) {
            wipe(header->data, std::string_view(header->data).size());
        }
        curl_slist_free_all(list_);
    }

    void add(std::string_view name, std::string_view value) {
        std::string line;
        line.reserve(name.size() + value.size() + 2);
        line.append(name).append(": ").append(value);
        curl_slist *longer = curl_slist_append(list_, line.c_str());
        wipe(line.data(), line.size());
        if (longer == nullptr) {
            throw std::bad_alloc();
        }
        list_ = longer;
    }

    curl_slist *get() const { return list_; }

   private:
    static void wipe(char *data, std::size_t size) { caretoken_wipe(data, size); }

    curl_slist *list_ = nullptr;
};

// The HTTP status of the vendor's protected resource.
static long call_resource(const vendor &vendor, const caretoken::token &token) {
    headers headers;
    headers.add(token.header(), token.authorization());
    if (vendor.name == std::string_view("parchment")) {
        headers.add("x-organization-secret", environment("PARCHMENT_ORGANIZATION_SECRET"));
    }
    const std::unique_ptr<CURL, void (*)(CURL *)> curl(curl_easy_init(), curl_easy_cleanup);
    curl_easy_setopt(curl.get(), CURLOPT_URL, environment(vendor.resource_variable));
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, environment("CARETOKEN_CA_FILE"));
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION,
                     +[](char *, std::size_t size, std::size_t count, void *) { return size * count; });
    const CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) {
        throw std::runtime_error(curl_easy_strerror(code));
    }
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static void print_row(const caretoken::token &token, long resource_status) {
    const bool is_jwt = token.access_token().find('.') != std::string_view::npos;
    const std::string shape =
        (is_jwt ? "JWT, " : "opaque, ") + std::to_string(token.access_token().size()) + " bytes";
    const std::string scopes = std::to_string(token.scopes().size()) + " (" +
                               std::to_string(token.missing_scopes().size()) + " missing)";
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(token.time_left());
    std::printf("%-10s %-18s %8lld s  %-15s %-40s %8ld\n", token.vendor().data(), shape.c_str(),
                static_cast<long long>(left.count()), scopes.c_str(),
                token.request_id().empty() ? "-" : token.request_id().data(), resource_status);
}

// Gets a token, uses it, and asks for another one if the API refuses it.
static bool visit(const vendor &vendor) {
    const auto client = make_client(vendor);
    for (int attempts = 0; attempts < 2; ++attempts) {
        const auto token = client.token(std::chrono::seconds(20)).value();
        const long status = call_resource(vendor, token);
        print_row(token, status);
        if (status != 401) {
            return status == 200;
        }
        client.reject(token).value();
    }
    return false;
}

int main() {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    std::printf("caretoken %s from C++\n", caretoken::version().data());
    std::printf("%-10s %-18s %10s  %-15s %-40s %8s\n", "vendor", "token", "expires in", "scopes",
                "request id", "resource");
    bool all_well = true;
    for (const vendor &vendor : vendors) {
        try {
            all_well = visit(vendor) && all_well;
        } catch (const std::exception &error) {
            std::fprintf(stderr, "%s: %s\n", vendor.name, error.what());
            all_well = false;
        }
    }
    curl_global_cleanup();
    return all_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
