// One decision, with a call to the store for each hash tag in it: a Redis Cluster runs a script on
// keys of one tag alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/task.h"
#include "limits/charge.h"
#include "store/store.h"

namespace sluice::limiter {

// As BucketStore::take(). Mostly all keys have one tag, and this is one call, all or none.
//
// Of several tags each is asked first how it stands. Then each is charged, those that will deny
// before the others, and none after one that has denied. So where one denies, nothing is charged,
// unless that changed in between, or the store failed: then those that were charged before it stay
// so.
//
// The mark is written with what has its tag, and has the receipts of those charges alone.
//
// REQUIRES: at least one charge or bar.
[[nodiscard]] Task<Result<limits::Decision>> take_by_tag(store::BucketStore& store,
                                                         limits::Ask ask);

// As BucketStore::reset(), of any number of keys: a call for each tag. What was reset before an
// error stays so.
[[nodiscard]] Task<Result<std::int64_t>> reset_by_tag(store::BucketStore& store,
                                                      std::vector<std::string> keys);

}  // namespace sluice::limiter
