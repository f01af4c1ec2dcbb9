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

// A parameter that a table depends on: its place among the node's, its lowest whole number, and how many it may be.
struct Axis {
    int param, low, count;
};

// A number that a node answers for given parameters, the last axis' options running fastest.
struct Table {
    const Axis* axes;
    int axis_count;
    const double* values;
    int value_count;
};

struct Node {
    const char* id;
    const char* identifier;
    const char* label;
    const char* help;
    int version;
    Table reach;     // frames on either side that it looks at
    Table enlarges;  // by how much its result is wider and higher than the picture
    Table neighbourhood;  // pixels around one of the result that it is made from; -1 all of the picture
    bool tiles;           // the neighbourhood is a part of the picture whatever the parameters
    bool analyzes;
    bool hdr_output;
    const Param* params;
    int param_count;
};

// The largest value that a table has.
double widest(const Table& table);

extern const Node nodes[];
extern const int node_count;
extern const Choice spaces[];
extern const int space_count;
extern const unsigned char schema_hash[32];
extern const char* const software_version;

}  // namespace wetgate
