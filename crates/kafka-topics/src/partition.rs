//! Which partition a key belongs to: Kafka's own rule, for what does not come from Kafka.

/// The partition, of `count`, to which Kafka's default partitioner assigns `key`: murmur2, made
/// positive, modulo the count. No partitions count as one.
pub fn partition_of(key: &[u8], count: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % count.max(1)
}

const SEED: u32 = 0x9747_b28c;
const MIX: u32 = 0x5bd1_e995;

/// MurmurHash2 with Kafka's seed, read little-endian.
fn murmur2(data: &[u8]) -> u32 {
    // Kafka's keys are far shorter than 4 GiB; the hash counts their length in 32 bits.
    let mut hash = SEED ^ (data.len() as u32);
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(MIX);
        let word = (word ^ (word >> 24)).wrapping_mul(MIX);
        hash = hash.wrapping_mul(MIX) ^ word;
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest
            .iter()
            .rev()
            .fold(0, |tail, byte| (tail << 8) | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MIX);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::{murmur2, partition_of};

    /// The vectors with which Apache Kafka tests its own.
    #[test]
    fn keys_hash_as_in_apache_kafka() {
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    #[test]
    fn a_partition_is_always_one_of_those_that_exist() {
        for count in [0, 1, 3, 64] {
            for key in [
                "",
                "a",
                "ab",
                "abc",
                "abcd",
                "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11",
            ] {
                assert!(partition_of(key.as_bytes(), count) < count.max(1));
            }
        }
    }
}
