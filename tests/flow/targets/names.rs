// Rust names: a generic method of a module, found under its path. Argument: milliseconds.
use std::time::{Duration, Instant};

mod shop {
    use super::*;
    pub struct Basket<T>(pub T);
    impl<T: Copy + Into<u64>> Basket<T> {
        #[inline(never)]
        pub fn fill(&self, limit: Duration) -> u64 {
            let start = Instant::now();
            let mut x: u64 = self.0.into();
            while start.elapsed() < limit {
                for _ in 0..60000 {
                    x = std::hint::black_box(x.wrapping_mul(6364136223846793005).wrapping_add(1));
                }
            }
            x
        }
    }
}

fn main() {
    let ms = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(100);
    let x = shop::Basket(7u32).fill(Duration::from_millis(ms));
    std::hint::black_box(x);
    println!("name shop::Basket<T>::fill");
}
