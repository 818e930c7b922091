// W3: input for clang++: templates recursing DEPTH deep over the headers that cost compilers most.
#ifndef DEPTH
#define DEPTH 18
#endif
#include <algorithm>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct F {
	template <class... A> static auto go(A... a)
	{
		std::map<int, std::vector<std::function<int(A...)>>> m;
		m[N].push_back([](A... b) { return (int)(sizeof(b) + ... + N); });
		std::sort(m[N].begin(), m[N].end(), [](auto &x, auto &y) { return &x < &y; });
		return m[N][0](a...) + F<N - 1>::go(a..., N);
	}
};

template <> struct F<0> {
	template <class... A> static int go(A...) { return (int)sizeof...(A); }
};

int main(int argc, char **argv)
{
	std::regex r("a(b|c)*[d-f]+", std::regex::icase);
	std::smatch found;
	std::string name = argv[0];
	std::cout << std::regex_search(name, found, r) << F<DEPTH>::go(argc);

	std::variant<int, double, std::string, std::vector<int>> x = argc;
	std::visit([](auto &a) { std::cout << sizeof a; }, x);

	std::mt19937 random(argc);
	std::vector<int> numbers(argc);
	std::shuffle(numbers.begin(), numbers.end(), random);
	for (auto &p : std::filesystem::recursive_directory_iterator(argv[0]))
		std::cout << p.path();
	return std::async([&] { return argc; }).get();
}
