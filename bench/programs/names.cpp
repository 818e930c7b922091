// C++ for names: templates inside templates, lambdas, operators, local classes, exceptions, virtual
// calls, anonymous namespaces; much of it inlined at -O2. Prints one number.
#include <algorithm>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

template <typename T, int N> struct ring {
	T slot[N] = {};
	unsigned at = 0;

	void operator<<(T value)
	{
		slot[at++ % N] = value;
	}
	template <typename F> auto fold(F f) const
	{
		return std::accumulate(std::begin(slot), std::end(slot), T{}, f);
	}
};

} // namespace

namespace shapes {

struct shape {
	virtual ~shape() = default;
	virtual double area() const = 0;
	friend bool operator<(const shape &a, const shape &b)
	{
		return a.area() < b.area();
	}
};

struct circle : shape {
	double r;
	explicit circle(double radius) : r(radius)
	{
	}
	double area() const override
	{
		return 3.14159 * r * r;
	}
};

template <typename... Side> struct polygon : shape {
	std::tuple<Side...> side;
	explicit polygon(Side... s) : side(s...)
	{
	}
	double area() const override
	{
		return std::apply([](auto... s) { return (0.0 + ... + s); }, side);
	}
};

inline namespace v2 {
std::unique_ptr<shape> make(unsigned n)
{
	switch (n % 3) {
	case 0:
		return std::make_unique<circle>(n);
	case 1:
		return std::make_unique<polygon<int, long>>(n, 2L * n);
	default:
		return std::make_unique<polygon<float, double, short>>(n, 0.5 * n, short(n));
	}
}
} // namespace v2

} // namespace shapes

using word = std::variant<int, std::string, std::vector<double>>;

static size_t weigh(const word &w)
{
	return std::visit(
		[](const auto &v) -> size_t {
			using type = std::decay_t<decltype(v)>;
			if constexpr (std::is_same_v<type, int>)
				return v;
			else
				return v.size();
		},
		w);
}

static size_t sort_things(unsigned n)
{
	std::mt19937_64 random(n);
	std::vector<std::pair<std::string, unsigned>> v;
	for (unsigned i = 0; i < n; i++)
		v.emplace_back("k" + std::to_string(random() % 1000), i);
	std::sort(v.begin(), v.end());
	std::stable_sort(v.begin(), v.end(), [](auto &a, auto &b) { return a.second < b.second; });
	std::partial_sort(v.begin(), v.begin() + n / 2, v.end(), std::greater<>());
	std::map<std::string, std::set<unsigned>> m;
	std::unordered_map<unsigned, std::deque<std::string>> u;
	for (auto &[key, value] : v) {
		m[key].insert(value);
		u[value % 17].push_front(key);
	}
	auto last = std::unique(v.begin(), v.end(), [](auto &a, auto &b) { return a.first == b.first; });
	return m.size() + u.size() + std::distance(v.begin(), last);
}

static size_t match(const std::string &text)
{
	static const std::regex number("([a-z]+)([0-9]{1,3})(?:_(x|y))?");
	size_t n = 0;
	for (std::sregex_iterator i(text.begin(), text.end(), number), end; i != end; ++i)
		n += (*i)[2].length();
	return n;
}

static std::optional<size_t> risky(unsigned n)
{
	struct local_error : std::runtime_error {
		using runtime_error::runtime_error;
	};
	try {
		if (n % 5 == 0)
			throw local_error("five");
		return std::stoul(std::to_string(n));
	} catch (const local_error &e) {
		std::ostringstream s;
		s << e.what() << ' ' << n << std::hex << n;
		return s.str().size();
	} catch (...) {
		return std::nullopt;
	}
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? std::stoul(argv[1]) : 300;
	size_t sum = 0;
	ring<size_t, 8> last;
	std::vector<std::function<size_t(unsigned)>> jobs = {
		sort_things,
		[](unsigned k) { return match("abc12 d345_x e6_y " + std::to_string(k)); },
		[&](unsigned k) { return risky(k).value_or(0); },
		[](unsigned k) {
			std::vector<std::unique_ptr<shapes::shape>> all;
			for (unsigned i = 0; i < k % 50; i++)
				all.push_back(shapes::make(i));
			std::sort(all.begin(), all.end(), [](auto &a, auto &b) { return *a < *b; });
			return all.empty() ? 0 : size_t(all.back()->area());
		},
		[](unsigned k) {
			std::vector<word> w{int(k), std::string(k % 7, 'x'), std::vector<double>(k % 9)};
			return std::transform_reduce(w.begin(), w.end(), size_t(0), std::plus<>(), weigh);
		},
	};
	for (unsigned i = 0; i < n; i++) {
		for (auto &job : jobs)
			last << job(i);
		sum += last.fold([](size_t a, size_t b) { return a ^ (b << 1); });
	}
	std::thread t([&sum, n] { sum += sort_things(n); });
	t.join();
	std::cout << sum << '\n';
}
