#pragma once
// What most units include and what is slow to read.

#include <boost/asio.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/result.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>
