// Names that only a demangler makes readable. Prints them as they must appear.
#include <cstdlib>
#include <string>
#include <vector>

#define _Static_assert static_assert
#include "truth.h"

namespace shop
{
template <class T> struct Basket {
	std::vector<T> items;
	NOINLINE uint64_t fill(uint64_t ns) { return truth_burn(ns); }
	NOINLINE uint64_t operator()(uint64_t ns) { return truth_burn(ns); }
};

NOINLINE uint64_t overloaded(int, uint64_t ns)
{
	return truth_burn(ns);
}

NOINLINE uint64_t overloaded(const std::string &, uint64_t ns)
{
	return truth_burn(ns);
}
} // namespace shop

int main(int argc, char **argv)
{
	uint64_t ns = (argc > 1 ? strtoull(argv[1], nullptr, 10) : 100) * MS_NS;
	shop::Basket<int> basket;

	truth_sink += basket.fill(ns) + basket(ns) + shop::overloaded(1, ns) + shop::overloaded("x", ns);
	puts("name shop::Basket<int>::fill");
	puts("name shop::Basket<int>::operator()");
	puts("name shop::overloaded(int,");
	puts("name shop::overloaded(std::__cxx11::basic_string<");
}
