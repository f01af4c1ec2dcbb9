// JSON as far as launch files need it: the whole of the syntax, nesting to 16 levels.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace wetgate {

struct Json {
    enum class Kind { null, boolean, number, string, array, object };
    Kind kind = Kind::null;
    bool boolean = false;
    double number = 0;
    std::string text;
    std::vector<Json> items;
    std::vector<std::pair<std::string, Json>> members;

    // The member of that name, or null where there is none or this is no object.
    const Json* member(const std::string& name) const {
        for (const auto& entry : members)
            if (entry.first == name) return &entry.second;
        return nullptr;
    }
};

// Throws Failure where `text` is not JSON.
Json parse_json(const std::string& text);

}  // namespace wetgate
