// W3t: threads that build and evaluate random expression trees: templates, inlining, std::function,
// std::variant, exceptions tables, recursion 50 deep below deep evaluation. Same work on each run.
// Arguments: threads, rounds a thread.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

struct Num;
struct Bin;
struct Call;
using Expr = std::variant<Num, Bin, Call>;
using Node = std::unique_ptr<Expr>;

struct Num {
	double v;
};
struct Bin {
	char op;
	Node a, b;
};
struct Call {
	std::string name;
	std::vector<Node> args;
};

template <class... F> struct over : F... {
	using F::operator()...;
};
template <class... F> over(F...) -> over<F...>;

struct Random {
	uint64_t state;
	uint32_t next()
	{
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		return uint32_t(state >> 33);
	}
};

static Node grow(Random &r, int depth)
{
	if (depth == 0)
		return std::make_unique<Expr>(Num{double(r.next() % 1000) / 7});
	if (r.next() % 4 == 0) {
		Call c;
		c.name = (r.next() & 1) ? "median" : "fold";
		for (int i = 1 + r.next() % 3; i > 0; i--)
			c.args.push_back(grow(r, depth - 1));
		return std::make_unique<Expr>(std::move(c));
	}
	Bin b;
	b.op = "+-*<"[r.next() % 4];
	b.a = grow(r, depth - 1);
	b.b = r.next() % 8 ? grow(r, depth > 12 ? 2 : depth - 1) : grow(r, 0);
	return std::make_unique<Expr>(std::move(b));
}

using Function = std::function<double(std::vector<double> &)>;

struct World {
	std::unordered_map<std::string, Function> functions;
	std::map<std::string, uint64_t> hits;
};

static double eval(const Expr &e, World &w, int depth)
{
	return std::visit(
		over{
			[](const Num &n) { return n.v; },
			[&](const Bin &b) {
				double x = eval(*b.a, w, depth + 1), y = eval(*b.b, w, depth + 1);
				switch (b.op) {
				case '+':
					return x + y;
				case '-':
					return x - y;
				case '*':
					return x * y / 1000;
				default:
					return x < y ? x : y;
				}
			},
			[&](const Call &c) {
				std::vector<double> v;
				v.reserve(16);
				for (auto &a : c.args)
					v.push_back(eval(*a, w, depth + 1));
				for (int i = 0; i < 12; i++)
					v.push_back(v[i % v.size()] * 0.5 + i);
				w.hits[c.name + std::to_string(depth % 17)]++;
				return w.functions.at(c.name)(v);
			}},
		e);
}

template <int N, class F> struct Deep {
	static double go(F &f, int k)
	{
		return N % 3 == 0 && k > 1 ? Deep<N - 1, F>::go(f, k - 1) + 1 : Deep<N - 1, F>::go(f, k);
	}
};
template <class F> struct Deep<0, F> {
	static double go(F &f, int k) { return f(k); }
};

__attribute__((noinline)) static double recurse(World &w, const Expr &e, int n)
{
	double pad[16];

	for (int i = 0; i < 16; i++)
		pad[i] = n + i;
	double r = n == 0 ? eval(e, w, 0) : recurse(w, e, n - 1) + pad[n & 15];
	asm volatile("" ::"g"(pad) : "memory");
	return r;
}

static double work(int seed, int rounds)
{
	Random r{uint64_t(42 + seed)};
	World w;
	double sum = 0;

	w.functions["median"] = [](std::vector<double> &v) {
		std::sort(v.begin(), v.end(), [](double a, double b) { return a > b; });
		return v[v.size() / 2];
	};
	w.functions["fold"] = [](std::vector<double> &v) {
		std::partial_sum(v.begin(), v.end(), v.begin());
		std::stable_sort(v.begin(), v.end());
		return std::accumulate(v.begin(), v.end(), 0.0) / 100;
	};
	for (int i = 0; i < rounds; i++) {
		auto e = grow(r, 14);
		for (int k = 0; k < 20; k++) {
			auto f = [&](int n) { return recurse(w, *e, n * 5); };
			sum += Deep<12, decltype(f)>::go(f, 10);
		}
	}
	return sum + w.hits.size();
}

int main(int argc, char **argv)
{
	int n_threads = argc > 1 ? atoi(argv[1]) : 2, rounds = argc > 2 ? atoi(argv[2]) : 100;
	std::vector<std::thread> threads;
	std::vector<double> out(n_threads);

	for (int t = 0; t < n_threads; t++)
		threads.emplace_back([t, rounds, &out] { out[t] = work(t, rounds); });
	for (auto &t : threads)
		t.join();
	printf("%.6g\n", std::accumulate(out.begin(), out.end(), 0.0));
}
