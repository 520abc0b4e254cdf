#include "handlers/gate.h"

namespace sluice::handlers {

Task<http::Response> gate(const Call& /*call*/) {
  co_return http::Response(204, "", "");
}

}  // namespace sluice::handlers
