#pragma once
// What is wrong with what a person gave, where, and what to do about it. Thrown only before the first request.

#include <stdexcept>

namespace shoal::load {

class bad_input : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace shoal::load
