#include "layers/outline.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace sluice::layers {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

struct Token {
  std::string_view text;
  std::size_t line = 0;
};

// Splits a text into words and single marks, without blanks, comments and the insides of strings.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}
  virtual ~Tokens() = default;
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;

  std::optional<Token> next() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        advance(1);
      } else if (const std::size_t size = skipped(text_.substr(at_)); size > 0) {
        advance(size);
      } else {
        return take();
      }
    }
    return std::nullopt;
  }

 protected:
  // The size of the comment or string at the front of `rest`; 0 if there is none.
  [[nodiscard]] virtual std::size_t skipped(std::string_view rest) const = 0;

  // Up to and with `end`, which is looked for from `from` on; else all.
  static std::size_t until(std::string_view rest, std::string_view end, std::size_t from) {
    const std::size_t found = rest.find(end, from);
    return found == std::string_view::npos ? rest.size() : found + end.size();
  }
  // A string between two `quote`s, in which a backslash hides the next character.
  static std::size_t quoted(std::string_view rest, char quote) {
    std::size_t i = 1;
    while (i < rest.size() && rest[i] != quote) i += rest[i] == '\\' ? 2 : 1;
    return std::min(i + 1, rest.size());
  }

 private:
  Token take() {
    const std::string_view rest = text_.substr(at_);
    std::size_t size = rest.starts_with("::") || rest.starts_with("->") ? 2 : 1;
    const bool is_number = std::isdigit(static_cast<unsigned char>(rest.front())) != 0;
    const auto goes_on = [&](char c) { return is_word(c) || (is_number && c == '\''); };
    while (is_word(rest.front()) && size < rest.size() && goes_on(rest[size])) ++size;
    const Token token{text_.substr(at_, size), line_};
    at_ += size;
    return token;
  }
  void advance(std::size_t size) {
    const std::string_view passed = text_.substr(at_, size);
    line_ += static_cast<std::size_t>(std::count(passed.begin(), passed.end(), '\n'));
    at_ += size;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

class CppTokens final : public Tokens {
 public:
  using Tokens::Tokens;

 private:
  [[nodiscard]] std::size_t skipped(std::string_view rest) const override {
    if (rest.starts_with("//")) return until(rest, "\n", 2);
    if (rest.starts_with("/*")) return until(rest, "*/", 2);
    if (rest.starts_with("#")) return until(rest, "\n", 1);  // the project has no long macros
    if (rest.starts_with("R\"")) {
      const std::string end = ")" + std::string(rest.substr(2, rest.find('(') - 2)) + "\"";
      return until(rest, end, 2);
    }
    const bool is_quote = rest.front() == '"' || rest.front() == '\'';
    return is_quote ? quoted(rest, rest.front()) : 0;
  }
};

class LuaTokens final : public Tokens {
 public:
  using Tokens::Tokens;

 private:
  [[nodiscard]] std::size_t skipped(std::string_view rest) const override {
    if (rest.starts_with("--[[")) return until(rest, "]]", 4);
    if (rest.starts_with("--")) return until(rest, "\n", 2);
    if (rest.starts_with("[[")) return until(rest, "]]", 2);
    if (rest.front() == '"' || rest.front() == '\'') return quoted(rest, rest.front());
    return 0;
  }
};

// What an opening brace opens.
enum class Brace { kScope, kFunction, kBlock, kValue };

struct Open {
  Brace kind = Brace::kValue;
  Function function = {};  // of kFunction
};

// The last one, a function, ends.
void close_function(std::vector<Open>& open, std::vector<Function>& functions, std::size_t line) {
  functions.push_back(open.back().function);
  functions.back().last_line = line;
}

// Counts a block on every function that it stands in.
void note_block(std::vector<Open>& open) {
  const auto is_block = [](const Open& level) { return level.kind == Brace::kBlock; };
  auto depth = 1 + static_cast<std::size_t>(std::count_if(open.begin(), open.end(), is_block));
  for (Open& level : open) {
    if (level.kind == Brace::kBlock) --depth;
    if (level.kind != Brace::kFunction) continue;
    level.function.depth = std::max(level.function.depth, depth);
  }
}

template <std::size_t kSize>
bool is_one_of(std::string_view word, const std::array<std::string_view, kSize>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The tokens since the last `;`, `{` or `}`: what they are tells what a brace opens.
class Head {
 public:
  void add(const Token& token) {
    constexpr std::array<std::string_view, 5> kLabels{"case", "default", "public", "private",
                                                      "protected"};
    if (tokens_.empty()) first_line_ = token.line;
    if (token.text == ":" && is_one_of(tokens_.empty() ? "" : tokens_.front(), kLabels)) {
      return clear();
    }
    if (token.text == "(") ++parentheses_;
    if (token.text == ")") --parentheses_;
    tokens_.push_back(token.text);
  }
  void clear() {
    tokens_.clear();
    parentheses_ = 0;
  }
  [[nodiscard]] std::size_t first_line() const { return first_line_; }
  [[nodiscard]] bool in_parentheses() const { return parentheses_ > 0; }

  // Within a brace of that kind.
  [[nodiscard]] Brace opens(Brace around) const {
    constexpr std::array<std::string_view, 8> kBlocks{"if",     "for",  "while", "do",
                                                      "switch", "else", "try",   "catch"};
    if (is_lambda()) return Brace::kFunction;
    if (in_parentheses() || around == Brace::kValue) return Brace::kValue;
    const bool in_function = around != Brace::kScope;
    if (tokens_.empty()) return in_function ? Brace::kBlock : Brace::kValue;
    if (is_one_of(tokens_.front(), kBlocks)) return Brace::kBlock;
    if (has_parameters())
      return in_function || is_member_value() ? Brace::kValue : Brace::kFunction;
    return names_a_scope() ? Brace::kScope : Brace::kValue;
  }

 private:
  // Whether there are parentheses, and no value is assigned.
  [[nodiscard]] bool has_parameters() const {
    int depth = 0;
    bool found = false;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i] == "(" || tokens_[i] == "<") ++depth;
      if (tokens_[i] == ")" || tokens_[i] == ">") --depth;
      found = found || tokens_[i] == ")";
      const auto is_operator = [&](std::size_t back) {  // as in operator==
        return i >= back && tokens_[i - back] == "operator";
      };
      if (tokens_[i] == "=" && depth == 0 && !is_operator(1) && !is_operator(2)) return false;
    }
    return found;
  }
  // `a_{1}` between a constructor's colon and its body.
  [[nodiscard]] bool is_member_value() const {
    constexpr std::array<std::string_view, 4> kAfterParameters{"const", "noexcept", "override",
                                                               "final"};
    const auto colon = std::find(tokens_.begin(), tokens_.end(), ":");
    return colon != tokens_.end() && is_word(tokens_.back().back()) &&
           !is_one_of(tokens_.back(), kAfterParameters);
  }
  [[nodiscard]] bool names_a_scope() const {
    constexpr std::array<std::string_view, 6> kScopes{"namespace", "class", "struct",
                                                      "union",     "enum",  "extern"};
    return std::any_of(tokens_.begin(), tokens_.end(),
                       [&](std::string_view word) { return is_one_of(word, kScopes); });
  }
  // Ends as `[…]`, `[…](…)`, or either with `mutable`, `noexcept` or `-> type`.
  [[nodiscard]] bool is_lambda() const {
    std::size_t end = tokens_.size();
    for (std::size_t i = tokens_.size(); i-- > 0;) {
      if (tokens_[i] == "->") end = i;
    }
    while (end > 0 && (tokens_[end - 1] == "mutable" || tokens_[end - 1] == "noexcept")) --end;
    if (end > 0 && tokens_[end - 1] == ")") end = opening(end - 1, "(", ")");
    if (end == 0 || tokens_[end - 1] != "]") return false;
    const std::size_t first = opening(end - 1, "[", "]");
    return first == 0 || (!is_word(tokens_[first - 1].back()) && tokens_[first - 1] != "]") ||
           tokens_[first - 1] == "return" || tokens_[first - 1] == "co_return";
  }
  // Of the bracket that the one at `close` closes.
  [[nodiscard]] std::size_t opening(std::size_t close, std::string_view open,
                                    std::string_view shut) const {
    int depth = 0;
    for (std::size_t i = close + 1; i-- > 0;) {
      if (tokens_[i] == shut) ++depth;
      if (tokens_[i] == open && --depth == 0) return i;
    }
    return 0;
  }

  std::vector<std::string_view> tokens_;
  std::size_t first_line_ = 0;
  int parentheses_ = 0;
};

}  // namespace

std::vector<Function> cpp_functions(std::string_view text) {
  std::vector<Function> functions;
  std::vector<Open> open;
  std::vector<Head> heads(1);  // of each open brace
  CppTokens tokens(text);
  while (const auto token = tokens.next()) {
    if (token->text == "{") {
      const Brace kind = heads.back().opens(open.empty() ? Brace::kScope : open.back().kind);
      if (kind == Brace::kBlock) note_block(open);
      open.push_back({kind, {heads.back().first_line(), 0, 0}});
      heads.emplace_back();
    } else if (token->text == "}" && !open.empty()) {
      const Brace kind = open.back().kind;
      if (kind == Brace::kFunction) close_function(open, functions, token->line);
      open.pop_back();
      heads.pop_back();
      // A value, or a lambda that is an argument, is part of a statement that goes on.
      const bool goes_on = kind == Brace::kValue || heads.back().in_parentheses();
      goes_on ? heads.back().add(*token) : heads.back().clear();
    } else {
      Head& head = heads.back();
      token->text == ";" && !head.in_parentheses() ? head.clear() : head.add(*token);
    }
  }
  return functions;
}

// Lua has its functions within others, as C++ has them in classes: an outer one is what is left.
static void note_inner(std::vector<Open>& open, const Function& inner) {
  const auto outer = std::find_if(open.rbegin(), open.rend(),
                                  [](const Open& level) { return level.kind == Brace::kFunction; });
  if (outer != open.rend()) outer->function.inner_lines += inner.lines() + inner.inner_lines;
}

std::vector<Function> lua_functions(std::string_view text) {
  constexpr std::array<std::string_view, 5> kOpeners{"if", "for", "while", "do", "repeat"};
  std::vector<Function> functions;
  std::vector<Open> open;
  LuaTokens tokens(text);
  bool awaits_do = false;  // of a `for` or `while`, whose block it opens
  while (const auto token = tokens.next()) {
    if (open.empty()) open.push_back({Brace::kFunction, {token->line, 0, 0}});  // the chunk
    if (token->text == "function") {
      open.push_back({Brace::kFunction, {token->line, 0, 0}});
    } else if (token->text == "do" && awaits_do) {
      awaits_do = false;
    } else if (is_one_of(token->text, kOpeners)) {
      awaits_do = token->text == "for" || token->text == "while";
      note_block(open);
      open.push_back({Brace::kBlock, {}});
    } else if ((token->text == "end" || token->text == "until") && open.size() > 1) {
      const bool is_function = open.back().kind == Brace::kFunction;
      if (is_function) close_function(open, functions, token->line);
      open.pop_back();
      if (is_function) note_inner(open, functions.back());
    }
  }
  const auto lines = std::count(text.begin(), text.end(), '\n');
  if (!open.empty()) close_function(open, functions, static_cast<std::size_t>(lines));
  return functions;
}

}  // namespace sluice::layers
