// The declared nodes, compiled in: what describe, render and the handshake know about them. nodes_table.cpp is made from
// generated/nodes.json when the bundle is built.
#pragma once

#include <cstdint>

namespace wetgate {

// The values are those of PROTOCOL.md 6.
enum class Kind : std::uint8_t { Float = 1, Int, Bool, Choice, Text, Color, Point };

struct Choice {
    const char* id;
    const char* label;
};

// A value in the parameter's kind: numbers (bool, int, choice index in the first), or text.
struct Value {
    double number[3];
    const char* text;
};

struct Param {
    const char* id;
    const char* label;
    const char* hint;
    const char* group;
    Kind kind;
    bool animates;
    int since;
    double low, high, soft_low, soft_high;
    Value standard;
    const Value* legacy;  // null where `since` is 1
    const Choice* choices;
    int choice_count;
};

struct Node {
    const char* id;
    const char* identifier;
    const char* label;
    const char* help;
    int version;
    int reach;
    bool analyzes;
    bool hdr_output;
    const Param* params;
    int param_count;
};

extern const Node nodes[];
extern const int node_count;
extern const Choice spaces[];
extern const int space_count;
extern const unsigned char schema_hash[32];
extern const char* const software_version;

}  // namespace wetgate
