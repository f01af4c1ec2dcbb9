#include "json.h"

#include <cstdlib>

#include "failure.h"

namespace wetgate {

namespace {

constexpr int deepest = 16;

class Parser {
public:
    explicit Parser(const std::string& text) : text_(text) {}

    Json whole() {
        Json value = parse(0);
        skip_space();
        if (at_ != text_.size()) fail();
        return value;
    }

private:
    [[noreturn]] void fail() const { throw Failure("the launch file is not JSON, at byte " + std::to_string(at_)); }

    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    char peek() {
        skip_space();
        if (at_ >= text_.size()) fail();
        return text_[at_];
    }
    bool take(char wanted) {
        if (peek() != wanted) return false;
        ++at_;
        return true;
    }
    void demand(char wanted) {
        if (!take(wanted)) fail();
    }
    bool word(const char* wanted) {
        const std::string name = wanted;
        if (text_.compare(at_, name.size(), name) != 0) return false;
        at_ += name.size();
        return true;
    }

    Json parse(int depth) {
        if (depth > deepest) fail();
        Json value;
        switch (peek()) {
            case '{': return object(depth);
            case '[': return array(depth);
            case '"':
                value.kind = Json::Kind::string;
                value.text = string();
                return value;
            case 't':
            case 'f':
                value.kind = Json::Kind::boolean;
                value.boolean = word("true");
                if (!value.boolean && !word("false")) fail();
                return value;
            case 'n':
                if (!word("null")) fail();
                return value;
            default: return number();
        }
    }

    Json object(int depth) {
        Json value;
        value.kind = Json::Kind::object;
        demand('{');
        if (take('}')) return value;
        do {
            if (peek() != '"') fail();
            std::string name = string();
            demand(':');
            value.members.emplace_back(std::move(name), parse(depth + 1));
        } while (take(','));
        demand('}');
        return value;
    }

    Json array(int depth) {
        Json value;
        value.kind = Json::Kind::array;
        demand('[');
        if (take(']')) return value;
        do value.items.push_back(parse(depth + 1));
        while (take(','));
        demand(']');
        return value;
    }

    Json number() {
        const std::size_t from = at_;
        while (at_ < text_.size() && std::string("+-.0123456789eE").find(text_[at_]) != std::string::npos) ++at_;
        const std::string digits = text_.substr(from, at_ - from);
        char* end = nullptr;
        Json value;
        value.kind = Json::Kind::number;
        value.number = std::strtod(digits.c_str(), &end);
        if (digits.empty() || *end != 0) fail();
        return value;
    }

    std::string string() {
        std::string made;
        demand('"');
        while (true) {
            if (at_ >= text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) fail();
            const char c = text_[at_++];
            if (c == '"') return made;
            if (c != '\\') {
                made += c;
                continue;
            }
            if (at_ >= text_.size()) fail();
            escape(made);
        }
    }

    void escape(std::string& made) {
        const char kind = text_[at_++];
        static const std::string from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        const std::size_t known = from.find(kind);
        if (known != std::string::npos) {
            made += to[known];
            return;
        }
        if (kind != 'u') fail();
        unsigned code = unit();
        if (code >= 0xD800 && code < 0xDC00 && word("\\u")) {
            const unsigned low = unit();
            if (low < 0xDC00 || low > 0xDFFF) fail();
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        } else if (code >= 0xD800 && code < 0xE000) {
            fail();
        }
        put_utf8(made, code);
    }

    unsigned unit() {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
            static const std::string digits = "0123456789abcdef";
            if (at_ >= text_.size()) fail();
            const char c = text_[at_++];
            const std::size_t digit = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
            if (digit == std::string::npos) fail();
            code = code * 16 + static_cast<unsigned>(digit);
        }
        return code;
    }

    static void put_utf8(std::string& made, unsigned code) {
        if (code < 0x80) {
            made += static_cast<char>(code);
            return;
        }
        const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        static constexpr unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
        made += static_cast<char>(lead[more] | (code >> (6 * more)));
        for (int i = more - 1; i >= 0; --i) made += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
    }

    const std::string& text_;
    std::size_t at_ = 0;
};

}  // namespace

Json parse_json(const std::string& text) { return Parser(text).whole(); }

}  // namespace wetgate
