// caretoken for C++17: the same as caretoken.h, with types that free themselves.
//
//     #include "caretoken.hpp"
//
//     auto config = caretoken::config::create("pattern").value();
//     config.set("base_url", "https://pattern.example").value();
//     config.set("client_id", "my-client").value();
//     config.set("client_secret", secret).value();
//     auto client = caretoken::client::create(config).value();
//
//     auto token = client.token(std::chrono::seconds(10)).value();  // cached, or fetched
//     request.set_header(token.header(), token.authorization());
//     // ... if the API answers 401:
//     client.reject(token).value();
//
// Everything that can fail returns a caretoken::result, which holds either what was asked for or an
// error. value() gives the former, or throws caretoken::exception. Without exceptions (or if you do not
// want them) ask the result first:
//
//     auto token = client.token();
//     if (!token) { log(token.error().line()); return; }
//     use(token->authorization());
//
// With -fno-exceptions there is no value(); `*result` and `result->` abort the program if the result
// holds an error, so ask before.
//
// profile, config, client, token and report can be moved and not copied, and free what they hold; errors
// can be copied. A moved-from one can only be destroyed or assigned to. Each string_view belongs to the
// object it was read from, lives as long, and has a NUL behind its last character; a view of a temporary,
// as in client.token().value().authorization(), does not compile. What may be called from which thread,
// and what everything means, is in caretoken.h.

#ifndef CARETOKEN_HPP
#define CARETOKEN_HPP

#include "caretoken.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define CARETOKEN_EXCEPTIONS 1
#include <stdexcept>
#else
#define CARETOKEN_EXCEPTIONS 0
#endif

// Lets a compiler that knows the attribute warn of a view that outlives what it was read from.
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define CARETOKEN_LIFETIMEBOUND [[clang::lifetimebound]]
#elif __has_cpp_attribute(msvc::lifetimebound)
#define CARETOKEN_LIFETIMEBOUND [[msvc::lifetimebound]]
#elif __has_cpp_attribute(gnu::lifetimebound)
#define CARETOKEN_LIFETIMEBOUND [[gnu::lifetimebound]]
#endif
#endif
#ifndef CARETOKEN_LIFETIMEBOUND
#define CARETOKEN_LIFETIMEBOUND
#endif

// For what one shared object throws and another catches.
#if defined(__GNUC__) && !defined(_WIN32)
#define CARETOKEN_VISIBLE __attribute__((visibility("default")))
#else
#define CARETOKEN_VISIBLE
#endif

namespace caretoken {

// Code with exceptions and code without may be linked into one program.
#if CARETOKEN_EXCEPTIONS
inline namespace with_exceptions {
#else
inline namespace without_exceptions {
#endif

using std::chrono::milliseconds;

namespace detail {

struct deleter {
    void operator()(caretoken_config *config) const noexcept { caretoken_config_free(config); }
    void operator()(caretoken_client *client) const noexcept { caretoken_client_free(client); }
    void operator()(const caretoken_token *token) const noexcept { caretoken_token_free(token); }
    void operator()(const caretoken_report *report) const noexcept { caretoken_report_free(report); }
    void operator()(const caretoken_profile *profile) const noexcept {
        caretoken_profile_free(profile);
    }
};

template <class T>
using handle = std::unique_ptr<T, deleter>;

inline std::string_view view(caretoken_str text) noexcept { return {text.data, text.len}; }

inline std::vector<std::string_view> views(const caretoken_str *texts, std::size_t count) {
    std::vector<std::string_view> all;
    all.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(view(texts[i]));
    }
    return all;
}

}  // namespace detail

/// A text that is passed in: a string, a string_view or a C string. It lives as long as that, so leave
/// it to the call. A C string that is NULL, as from getenv, makes the call fail with
/// CARETOKEN_NULL_ARGUMENT, and the error names what is missing.
class text {
   public:
    /// The empty one.
    constexpr text() noexcept = default;
    constexpr text(const char *c_string) noexcept
        : view_(c_string == nullptr ? std::string_view() : std::string_view(c_string)),
          is_null_(c_string == nullptr) {}
    template <class String,
              class = std::enable_if_t<std::is_convertible_v<const String &, std::string_view> &&
                                       !std::is_convertible_v<const String &, const char *>>>
    constexpr text(const String &string) : view_(string) {}

    [[nodiscard]] constexpr bool is_null() const noexcept { return is_null_; }
    [[nodiscard]] constexpr std::string_view view() const noexcept { return view_; }
    [[nodiscard]] constexpr const char *data() const noexcept { return view_.data(); }
    /// In C, NULL of no length is the empty text, and of any other length a mistake.
    [[nodiscard]] constexpr std::size_t size() const noexcept {
        return is_null_ ? 1 : view_.size();
    }

   private:
    std::string_view view_;
    bool is_null_ = false;
};

namespace detail {

/// A name as C wants it: NUL-terminated, or NULL.
class name {
   public:
    explicit name(text text) : copy_(text.view()), is_null_(text.is_null()) {}
    const char *get() const noexcept { return is_null_ ? nullptr : copy_.c_str(); }

   private:
    std::string copy_;
    bool is_null_;
};

}  // namespace detail

/// The version of the library in use. The header's is CARETOKEN_VERSION.
[[nodiscard]] inline std::string_view version() noexcept { return caretoken_version(); }

/// Why a call failed, and who must do what about it. Safe to log. It never changes; copies share it.
class CARETOKEN_VISIBLE error {
   public:
    /// Takes over an error that a function of caretoken.h made; NULL if it made none.
    error(caretoken_status status, const caretoken_error *owned)
        : status_(status), handle_(owned, caretoken_error_free) {}

    /// One of the CARETOKEN_ numbers, never CARETOKEN_OK.
    [[nodiscard]] caretoken_status status() const noexcept { return status_; }
    /// The stable name of the status, such as credentials_rejected. Lives for ever.
    [[nodiscard]] std::string_view kind() const noexcept {
        return detail::view(caretoken_status_name(status_));
    }
    /// Everything about the error in one line, for logs.
    [[nodiscard]] std::string_view line() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::line);
    }
    std::string_view line() const && = delete;
    [[nodiscard]] std::string_view message() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::message);
    }
    std::string_view message() const && = delete;
    [[nodiscard]] std::string_view remedy() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::remedy);
    }
    std::string_view remedy() const && = delete;
    /// Who must act: caller, operator or vendor.
    [[nodiscard]] std::string_view actor() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::actor);
    }
    std::string_view actor() const && = delete;
    /// The setting or argument that it is about; empty if none.
    [[nodiscard]] std::string_view field() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::field);
    }
    std::string_view field() const && = delete;
    [[nodiscard]] std::string_view phase() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::phase);
    }
    std::string_view phase() const && = delete;
    [[nodiscard]] std::string_view vendor() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::vendor);
    }
    std::string_view vendor() const && = delete;
    [[nodiscard]] std::string_view vendor_code() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::vendor_code);
    }
    std::string_view vendor_code() const && = delete;
    [[nodiscard]] std::string_view request_id() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return read(&caretoken_error::request_id);
    }
    std::string_view request_id() const && = delete;
    /// The HTTP status of the answer; 0 if there was none.
    [[nodiscard]] int http_status() const noexcept {
        return handle_ ? handle_->http_status : 0;
    }
    /// Whether the same call may succeed later without anybody changing anything.
    [[nodiscard]] bool retryable() const noexcept { return handle_ && handle_->retryable; }
    /// How long to wait before the next call, if that is known.
    [[nodiscard]] std::optional<milliseconds> retry_after() const noexcept {
        const std::int64_t wait = handle_ ? handle_->retry_after_ms : -1;
        return wait < 0 ? std::nullopt : std::optional<milliseconds>(wait);
    }

    [[nodiscard]] const caretoken_error *get() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return handle_.get();
    }
    const caretoken_error *get() const && = delete;

   private:
    std::string_view read(caretoken_str caretoken_error::*field) const noexcept {
        return handle_ ? detail::view(handle_.get()->*field) : std::string_view("");
    }

    caretoken_status status_;
    std::shared_ptr<const caretoken_error> handle_;
};

#if CARETOKEN_EXCEPTIONS

// A header has no place of its own for the vtable and the type information. Each unit that throws
// or catches has a copy, and the linker keeps one. They are visible, so that they are one among shared
// objects, too, whatever -fvisibility says: what one throws another catches. value() alone throws:
// a unit that does not call it has none of this.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wweak-vtables"
#endif

/// Thrown by result::value(). what() is the error in one line.
class CARETOKEN_VISIBLE exception : public std::runtime_error {
   public:
    explicit exception(const caretoken::error &why)
        : std::runtime_error(std::string(why.line())), why_(why) {}

    [[nodiscard]] const caretoken::error &error() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return why_;
    }
    const caretoken::error &error() const && = delete;

   private:
    caretoken::error why_;
};

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#endif

/// What was asked for, or why there is none, as std::expected has it. Use result<void> as a bool.
template <class T>
class [[nodiscard]] result {
   public:
    result(T value) : holds_(std::in_place_index<0>, std::move(value)) {}
    result(caretoken::error why) : holds_(std::in_place_index<1>, std::move(why)) {}

    /// Whether it holds what was asked for.
    [[nodiscard]] explicit operator bool() const noexcept { return holds_.index() == 0; }

    /// What was asked for; aborts if there is none.
    [[nodiscard]] T &operator*() & noexcept CARETOKEN_LIFETIMEBOUND { return held<0>(*this); }
    [[nodiscard]] const T &operator*() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return held<0>(*this);
    }
    [[nodiscard]] T &&operator*() && noexcept CARETOKEN_LIFETIMEBOUND {
        return std::move(held<0>(*this));
    }
    [[nodiscard]] T *operator->() & noexcept CARETOKEN_LIFETIMEBOUND { return &held<0>(*this); }
    [[nodiscard]] const T *operator->() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return &held<0>(*this);
    }
    const T *operator->() const && = delete;

    /// Why there is none; aborts if there is one.
    [[nodiscard]] const caretoken::error &error() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return held<1>(*this);
    }
    [[nodiscard]] caretoken::error error() && noexcept { return std::move(held<1>(*this)); }

#if CARETOKEN_EXCEPTIONS
    /// What was asked for, or throws. A result that is a temporary, or moved from, gives it away.
    T &value() & CARETOKEN_LIFETIMEBOUND {
        require();
        return held<0>(*this);
    }
    const T &value() const & CARETOKEN_LIFETIMEBOUND {
        require();
        return held<0>(*this);
    }
    T &&value() && CARETOKEN_LIFETIMEBOUND {
        require();
        return std::move(held<0>(*this));
    }
#endif

   private:
    template <std::size_t index, class Self>
    static auto &held(Self &self) noexcept {
        auto *found = std::get_if<index>(&self.holds_);
        if (found == nullptr) {
            std::abort();
        }
        return *found;
    }

#if CARETOKEN_EXCEPTIONS
    void require() const {
        if (!*this) {
            throw exception(error());
        }
    }
#endif

    std::variant<T, caretoken::error> holds_;
};

template <>
class [[nodiscard]] result<void> {
   public:
    result() = default;
    result(caretoken::error why) : why_(std::move(why)) {}

    /// Whether it worked.
    [[nodiscard]] explicit operator bool() const noexcept { return !why_; }

    /// Why it did not work; aborts if it did.
    [[nodiscard]] const caretoken::error &error() const & noexcept CARETOKEN_LIFETIMEBOUND {
        if (!why_) {
            std::abort();
        }
        return *why_;
    }
    [[nodiscard]] caretoken::error error() && noexcept { return std::as_const(*this).error(); }

#if CARETOKEN_EXCEPTIONS
    /// Throws if it did not work.
    void value() const {
        if (why_) {
            throw exception(*why_);
        }
    }
#endif

   private:
    std::optional<caretoken::error> why_;
};

/// A further field of a vendor's answer. The value may be personal data: do not log it.
struct extra {
    std::string_view name;
    std::string_view value;
};

/// A bearer token, with what the vendor said about it. Any thread may read it. Wiped when the last one
/// is gone.
class token {
   public:
    explicit token(const caretoken_token *owned) noexcept : handle_(owned) {}

    /// The token itself. Secret.
    [[nodiscard]] std::string_view access_token() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->access_token);
    }
    std::string_view access_token() const && = delete;
    /// The name of the header that carries it, in lower case: authorization, unless the profile says
    /// otherwise.
    [[nodiscard]] std::string_view header() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->header);
    }
    std::string_view header() const && = delete;
    /// The whole value of that header: "Bearer " and the access token, unless the profile says
    /// otherwise. Secret.
    [[nodiscard]] std::string_view authorization() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->authorization);
    }
    std::string_view authorization() const && = delete;
    [[nodiscard]] std::string_view token_type() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->token_type);
    }
    std::string_view token_type() const && = delete;
    [[nodiscard]] std::string_view vendor() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->vendor);
    }
    std::string_view vendor() const && = delete;
    /// Empty if there is none. Secret.
    [[nodiscard]] std::string_view refresh_token() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->refresh_token);
    }
    std::string_view refresh_token() const && = delete;
    [[nodiscard]] std::string_view request_id() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->request_id);
    }
    std::string_view request_id() const && = delete;
    [[nodiscard]] std::vector<std::string_view> scopes() const & {
        return detail::views(handle_->scopes, handle_->scopes_len);
    }
    std::vector<std::string_view> scopes() const && = delete;
    /// The scopes that were requested and not granted.
    [[nodiscard]] std::vector<std::string_view> missing_scopes() const & {
        return detail::views(handle_->missing_scopes, handle_->missing_scopes_len);
    }
    std::vector<std::string_view> missing_scopes() const && = delete;
    [[nodiscard]] std::vector<caretoken::extra> extras() const & {
        std::vector<caretoken::extra> all;
        all.reserve(handle_->extras_len);
        for (std::size_t i = 0; i < handle_->extras_len; ++i) {
            const caretoken_extra &one = handle_->extras[i];
            all.push_back({detail::view(one.name), detail::view(one.value)});
        }
        return all;
    }
    std::vector<caretoken::extra> extras() const && = delete;
    /// The value of one of the extras; empty if there is none of that name.
    [[nodiscard]] std::string_view extra(text name) const & CARETOKEN_LIFETIMEBOUND {
        return detail::view(caretoken_token_extra(get(), detail::name(name).get()));
    }
    std::string_view extra(text name) const && = delete;
    /// When it ends by this machine's clock; to decide whether it is good, use time_left.
    [[nodiscard]] std::chrono::system_clock::time_point expires_at() const noexcept {
        return std::chrono::system_clock::time_point(milliseconds(handle_->expires_at_ms));
    }
    [[nodiscard]] milliseconds lifetime() const noexcept { return milliseconds(handle_->lifetime_ms); }
    /// Whether the vendor gave it a longer life than is plausible, so that it was cut.
    [[nodiscard]] bool lifetime_was_cut() const noexcept { return handle_->lifetime_was_cut; }
    [[nodiscard]] bool lifetime_implausible() const noexcept {
        return handle_->lifetime_implausible;
    }
    [[nodiscard]] milliseconds time_left() const noexcept {
        return milliseconds(caretoken_token_time_left_ms(handle_.get()));
    }

    /// The same token once more; costs nearly nothing.
    [[nodiscard]] token clone() const noexcept { return token(caretoken_token_clone(handle_.get())); }

    [[nodiscard]] const caretoken_token *get() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return handle_.get();
    }
    const caretoken_token *get() const && = delete;

   private:
    detail::handle<const caretoken_token> handle_;
};

/// A credential for client::set_credentials.
struct credential {
    text name;
    text value;
};

/// Something that happened in a client. Never a secret. Its texts live until the callback returns.
struct event {
    std::string_view name;
    std::string_view vendor;
    std::optional<milliseconds> took;
    std::optional<milliseconds> span;
    caretoken_status status;
    std::string_view message;
};

/// Stores a new refresh token, durably; returns whether it is stored. An exception counts as false.
using rotation_callback = std::function<bool(std::string_view refresh_token)>;
/// Takes note of an event, on any thread. Exceptions end here.
using event_callback = std::function<void(const event &event)>;

namespace detail {

template <class F>
void contain(F &&run) noexcept {
#if CARETOKEN_EXCEPTIONS
    try {
        run();
    } catch (...) {
        // Nothing may be thrown through the library.
    }
#else
    run();
#endif
}

inline std::int32_t on_rotation(void *user_data, caretoken_str refresh_token) {
    bool stored = false;
    contain([&] { stored = (*static_cast<rotation_callback *>(user_data))(view(refresh_token)); });
    return stored ? 0 : 1;
}

inline void on_event(void *user_data, const caretoken_event *happened) {
    const auto span = [](std::int64_t ms) {
        return ms < 0 ? std::nullopt : std::optional<milliseconds>(ms);
    };
    contain([&] {
        (*static_cast<event_callback *>(user_data))(event{
            view(happened->name), view(happened->vendor), span(happened->took_ms),
            span(happened->span_ms), happened->status, view(happened->message)});
    });
}

}  // namespace detail

/// What client::doctor found on the way to the vendor. Never a secret.
class report {
   public:
    explicit report(const caretoken_report *owned) noexcept : handle_(owned) {}

    /// A block of text, one line for each step: to be pasted into a ticket.
    [[nodiscard]] std::string_view text() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->text);
    }
    std::string_view text() const && = delete;
    /// Whether a request came through and was answered, by whatever HTTP status.
    [[nodiscard]] bool is_healthy() const noexcept { return handle_->is_healthy; }

    [[nodiscard]] const caretoken_report *get() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return handle_.get();
    }
    const caretoken_report *get() const && = delete;

   private:
    detail::handle<const caretoken_report> handle_;
};

/// A value that a profile asks for: a setting of each config made from it. Its texts live as long as the
/// profile.
struct parameter {
    std::string_view name;
    /// What it is, in one line for people; may be empty.
    std::string_view about;
    /// text, integer, choice, url, host, host_label, path_segment, private_key or certificate. More may
    /// come.
    std::string_view kind;
    std::optional<std::string_view> default_value;
    /// The values that it can have, where it is a choice.
    std::vector<std::string_view> choices;
    /// Whether its value must not be shown.
    bool is_secret;
    /// Whether no client can be made without it.
    bool is_required;
    /// Whether it says whose token it will be.
    bool is_holder;
};

/// Whether a profile takes requested scopes. More may come.
enum class profile_scopes : std::int32_t {
    none = CARETOKEN_SCOPES_NONE,
    optional = CARETOKEN_SCOPES_OPTIONAL,
    required = CARETOKEN_SCOPES_REQUIRED,
};

/// A token endpoint as data: a vendor. Any thread may read it. Never a secret, but it decides to which
/// hosts credentials are sent; see caretoken_profile.
class profile {
   public:
    explicit profile(const caretoken_profile *owned) noexcept : handle_(owned) {}

    /// One that is compiled in, by its name.
    static result<profile> named(text vendor) {
        const caretoken_profile *read = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_profile_named(detail::name(vendor).get(), &read, &why);
        return outcome(status, read, why);
    }
    /// From the file at this path, which is UTF-8, also on Windows; see caretoken_profile_load.
    static result<profile> load(text path) {
        const caretoken_profile *read = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_profile_load(detail::name(path).get(), &read, &why);
        return outcome(status, read, why);
    }
    /// From its text, which is not kept.
    static result<profile> parse(text json) {
        const caretoken_profile *read = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_profile_parse(json.data(), json.size(), &read, &why);
        return outcome(status, read, why);
    }
    /// The names of those that are compiled in. They live for ever.
    [[nodiscard]] static std::vector<std::string_view> names() {
        std::size_t count = 0;
        const caretoken_str *all = caretoken_profile_names(&count);
        return detail::views(all, count);
    }

    /// The vendor's name in errors, events and tokens.
    [[nodiscard]] std::string_view name() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->name);
    }
    std::string_view name() const && = delete;
    /// Its name for people.
    [[nodiscard]] std::string_view title() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->title);
    }
    std::string_view title() const && = delete;
    /// The name of the header that carries its tokens, in lower case.
    [[nodiscard]] std::string_view header() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return detail::view(handle_->header);
    }
    std::string_view header() const && = delete;
    /// The URLs of the vendor's pages about it.
    [[nodiscard]] std::vector<std::string_view> documentation() const & {
        return detail::views(handle_->documentation, handle_->documentation_len);
    }
    std::vector<std::string_view> documentation() const && = delete;
    /// What it asks for, in the order of its file.
    [[nodiscard]] std::vector<caretoken::parameter> parameters() const & {
        std::vector<caretoken::parameter> all;
        all.reserve(handle_->parameters_len);
        for (std::size_t i = 0; i < handle_->parameters_len; ++i) {
            const caretoken_parameter &one = *handle_->parameters[i];
            const std::string_view value = detail::view(one.default_value);
            all.push_back({detail::view(one.name), detail::view(one.about), detail::view(one.kind),
                           value.empty() ? std::nullopt : std::optional<std::string_view>(value),
                           detail::views(one.choices, one.choices_len), one.is_secret,
                           one.is_required, one.is_holder});
        }
        return all;
    }
    std::vector<caretoken::parameter> parameters() const && = delete;
    /// Whether scopes can be requested, and whether one must.
    [[nodiscard]] profile_scopes scopes() const noexcept {
        return static_cast<profile_scopes>(handle_->scopes);
    }
    /// Whether no client can be made without a certificate of its own (mutual TLS).
    [[nodiscard]] bool needs_client_certificate() const noexcept {
        return handle_->needs_client_certificate;
    }

    [[nodiscard]] const caretoken_profile *get() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return handle_.get();
    }
    const caretoken_profile *get() const && = delete;

   private:
    static result<profile> outcome(caretoken_status status, const caretoken_profile *owned,
                                   const caretoken_error *why) {
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return profile(owned);
    }

    detail::handle<const caretoken_profile> handle_;
};

class client;

/// What a client is made of. One thread at a time.
class config {
   public:
    /// For a vendor whose profile is compiled in, such as parchment: see profile::names.
    static result<config> create(text vendor) {
        caretoken_config *made = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_config_new(detail::name(vendor).get(), &made, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return config(made);
    }

    /// For any vendor, by its profile, which may be destroyed at any time.
    static result<config> create(const profile &profile) {
        caretoken_config *made = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_config_from_profile(profile.get(), &made, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return config(made);
    }

    /// Sets one credential or setting by its name; see caretoken_config_set.
    result<void> set(text name, text value) {
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_config_set(get(), detail::name(name).get(),
                                                             value.data(), value.size(), &why);
        return outcome(status, why);
    }

    /// Calls `callback` with each rotated refresh token; nullptr takes it away. Clients made from here on
    /// keep it alive.
    result<void> on_rotation(rotation_callback callback) {
        auto kept = std::make_shared<rotation_callback>(std::move(callback));
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_config_set_on_rotation(
            get(), *kept ? detail::on_rotation : nullptr, kept.get(), &why);
        if (status == CARETOKEN_OK) {
            on_rotation_ = std::move(kept);
        }
        return outcome(status, why);
    }

    /// Calls `callback` with each event; nullptr takes it away. Clients made from here on keep it alive.
    result<void> on_event(event_callback callback) {
        auto kept = std::make_shared<event_callback>(std::move(callback));
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_config_set_on_event(
            get(), *kept ? detail::on_event : nullptr, kept.get(), &why);
        if (status == CARETOKEN_OK) {
            on_event_ = std::move(kept);
        }
        return outcome(status, why);
    }

    [[nodiscard]] caretoken_config *get() & noexcept CARETOKEN_LIFETIMEBOUND { return handle_.get(); }
    [[nodiscard]] const caretoken_config *get() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return handle_.get();
    }
    const caretoken_config *get() const && = delete;

   private:
    friend class client;

    explicit config(caretoken_config *owned) noexcept : handle_(owned) {}

    static result<void> outcome(caretoken_status status, const caretoken_error *why) {
        return status == CARETOKEN_OK ? result<void>() : result<void>(caretoken::error(status, why));
    }

    std::shared_ptr<rotation_callback> on_rotation_;
    std::shared_ptr<event_callback> on_event_;
    detail::handle<caretoken_config> handle_;
};

/// Turns one set of credentials into a token that is valid now. All member functions but the
/// destructor and assignment may be called from many threads at once. Those two cancel a call that is
/// blocked in another thread, which then ends by itself; no call may begin or leave meanwhile.
class client {
   public:
    /// Makes a client of what the config holds; the config can be used again.
    static result<client> create(const config &config) {
        caretoken_client *made = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_new(config.get(), &made, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return client(made, config);
    }

    /// A config that has all settings, credentials and callbacks of this client and makes clients that
    /// share its connections. Set what differs, such as the acting user.
    result<config> sibling() const {
        caretoken_config *made = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_sibling(get(), &made, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        config twin(made);
        twin.on_rotation_ = on_rotation_;
        twin.on_event_ = on_event_;
        return twin;
    }

    /// A token that is valid now: cached, or fetched. Blocks at most `timeout`; unless given, the
    /// config's. Zero never blocks.
    result<caretoken::token> token(std::optional<milliseconds> timeout = std::nullopt) const {
        [[maybe_unused]] const auto callbacks = hold_callbacks();
        const caretoken_token *found = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_token(get(), ms(timeout), &found, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return caretoken::token(found);
    }

    /// Writes the value of the header that carries the token and a NUL into the buffer, and returns its
    /// length; the header's name is that of the profile and of each token. When capacity is not larger
    /// than that, CARETOKEN_BUFFER_TOO_SMALL, and *needed (if given) is the length.
    result<std::size_t> authorization(char *buffer, std::size_t capacity,
                                      std::optional<milliseconds> timeout = std::nullopt,
                                      std::size_t *needed = nullptr) const {
        [[maybe_unused]] const auto callbacks = hold_callbacks();
        std::size_t length = 0;
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_client_authorization(get(), ms(timeout), buffer, capacity, &length, &why);
        if (needed != nullptr) {
            *needed = length;
        }
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return length;
    }

    /// The cached token if it is still good, without blocking.
    result<std::optional<caretoken::token>> peek() const {
        const caretoken_token *found = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_peek(get(), &found, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        if (found == nullptr) {
            return std::optional<caretoken::token>();
        }
        return std::optional<caretoken::token>(caretoken::token(found));
    }

    /// Fetches a token if one is due and nobody else is at it; returns whether it did.
    result<bool> refresh_if_due() const {
        [[maybe_unused]] const auto callbacks = hold_callbacks();
        bool refreshed = false;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_refresh_if_due(get(), &refreshed, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return refreshed;
    }

    /// Reports that the vendor's API refused this token; returns whether that dropped it.
    result<bool> reject(const caretoken::token &token) const {
        [[maybe_unused]] const auto callbacks = hold_callbacks();
        bool dropped = false;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_reject(get(), token.get(), &dropped, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return dropped;
    }

    /// Ends every call on this client that is under way, in any thread. Later calls are not affected.
    result<void> cancel() const {
        const caretoken_error *why = nullptr;
        return config::outcome(caretoken_client_cancel(get(), &why), why);
    }

    /// Replaces one credential by its name; see caretoken_client_set_credential. A pair, such as a user
    /// name and its password, is replaced by set_credentials.
    result<void> set_credential(text name, text value) const {
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_set_credential(
            get(), detail::name(name).get(), value.data(), value.size(), &why);
        return config::outcome(status, why);
    }

    /// Replaces several credentials at once, or none if one cannot be used; see
    /// caretoken_client_set_credentials. Takes {{"username", name}, {"password", password}}, or a
    /// container of credentials or of pairs, such as a map.
    result<void> set_credentials(std::initializer_list<credential> credentials) const {
        return set_credentials<std::initializer_list<credential>>(credentials);
    }
    template <class Credentials>
    result<void> set_credentials(const Credentials &credentials) const {
        std::vector<detail::name> names;
        std::vector<caretoken_credential> all;
        for (const auto &[name, value] : credentials) {
            const text content = value;
            names.emplace_back(text(name));
            all.push_back({nullptr, content.data(), content.size()});
        }
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i].name = names[i].get();
        }
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_client_set_credentials(get(), all.data(), all.size(), &why);
        return config::outcome(status, why);
    }

    /// What the client has done since it was made.
    result<caretoken_stats> stats() const {
        caretoken_stats counted{};
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_client_stats(get(), sizeof counted, &counted, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return counted;
    }

    /// How far the vendor's clock is ahead of this machine's; nothing before the first answer.
    result<std::optional<milliseconds>> clock_skew() const {
        bool is_known = false;
        std::int64_t skew = 0;
        const caretoken_error *why = nullptr;
        const caretoken_status status =
            caretoken_client_clock_skew_ms(get(), &is_known, &skew, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return is_known ? std::optional<milliseconds>(skew) : std::optional<milliseconds>();
    }

    /// Probes the way to the vendor and reports what it found at each step, without sending a
    /// credential; see caretoken_client_doctor. What the network does wrong stands in the report.
    result<report> doctor(std::optional<milliseconds> timeout = std::nullopt) const {
        const caretoken_report *found = nullptr;
        const caretoken_error *why = nullptr;
        const caretoken_status status = caretoken_client_doctor(get(), ms(timeout), &found, &why);
        if (status != CARETOKEN_OK) {
            return caretoken::error(status, why);
        }
        return report(found);
    }

    [[nodiscard]] const caretoken_client *get() const & noexcept CARETOKEN_LIFETIMEBOUND {
        return handle_.get();
    }
    const caretoken_client *get() const && = delete;

   private:
    client(caretoken_client *owned, const config &config)
        : on_rotation_(config.on_rotation_), on_event_(config.on_event_), handle_(owned) {}

    /// For the time of a call that may call back: should the client be destroyed or assigned in another
    /// thread meanwhile, the call is cancelled, and tells of that yet.
    std::pair<std::shared_ptr<rotation_callback>, std::shared_ptr<event_callback>> hold_callbacks()
        const noexcept {
        return {on_rotation_, on_event_};
    }

    /// A negative time must not be taken for the default.
    static std::int64_t ms(std::optional<milliseconds> timeout) noexcept {
        if (!timeout) {
            return CARETOKEN_DEFAULT_TIMEOUT;
        }
        return timeout->count() < 0 ? CARETOKEN_DEFAULT_TIMEOUT - 1 : timeout->count();
    }

    // The callbacks outlive the handle, which is declared, and so destroyed, the other way round.
    std::shared_ptr<rotation_callback> on_rotation_;
    std::shared_ptr<event_callback> on_event_;
    detail::handle<caretoken_client> handle_;
};

}  // inline namespace
}  // namespace caretoken

#endif  // CARETOKEN_HPP
