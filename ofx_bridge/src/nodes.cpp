#include "nodes.h"

#include <algorithm>

namespace wetgate {

double widest(const Table& table) { return *std::max_element(table.values, table.values + table.value_count); }

}  // namespace wetgate
