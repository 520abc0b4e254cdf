// What one request costs, where that is the request's to say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/request.h"

namespace sluice::http {

struct CostRule {
  enum class Source {
    kFixed,   // `cost`, always
    kBody,    // the integer member `name` of the JSON body
    kHeader,  // the header `name`, in decimal digits
  };

  Source source = Source::kFixed;
  std::string name;       // JSON member, or CGI name as in "HTTP_X_COST"
  std::int64_t cost = 1;  // units; also where the request does not say
  std::int64_t min = 1;   // of what a request may say
  std::int64_t max = 1000;
  std::string unit = {};     // of which units; an id, empty: requests
  Duration settle_within{};  // 0: it is what it costs. Else an estimate, see limits/cost.h
};

// By route: one rule for each unit, and at most one of them an estimate.
using CostRules = std::map<std::string, std::vector<CostRule>, std::less<>>;

// The units that `request` costs under `rule`. Error: kBadRequest, for what is there and is no
// integer from min to max, or cannot be read.
[[nodiscard]] Result<std::int64_t> cost_of(const Request& request, const CostRule& rule);

}  // namespace sluice::http
