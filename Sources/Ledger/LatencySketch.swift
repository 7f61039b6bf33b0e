import Glibc

/// How latencies are distributed: counts in buckets, each 2 % wider than the one before, so that a percentile is right
/// within 1 %. Sketches of the same kind add up, and what was added can be taken out again, exactly.
struct LatencySketch: Equatable, Sendable {
  /// Bucket 0 holds 0 ns; bucket n those above `growth` to the power of n - 2, up to that of n - 1. In ascending order,
  /// none of them empty.
  private(set) var buckets: [Bucket] = []
  private(set) var count: Int64 = 0

  struct Bucket: Equatable, Sendable {
    var number: Int32
    var count: Int64
  }

  private static let growth = 1.01 / 0.99
  private static let scale = 1 / log(growth)

  init() {}

  static func bucket(of latency: Int64) -> Int32 {
    latency <= 0 ? 0 : Int32(log(Double(latency)) * scale + 0.999_999_999) + 1
  }

  /// Adds so many latencies of that size; takes them out when `amount` is negative.
  mutating func add(_ latency: Int64, _ amount: Int64 = 1) {
    add(bucket: Self.bucket(of: latency), amount)
  }

  mutating func add(_ other: LatencySketch) {
    for bucket in other.buckets { add(bucket: bucket.number, bucket.count) }
  }

  mutating func add(bucket number: Int32, _ amount: Int64) {
    count += amount
    var low = 0
    var high = buckets.count
    while low < high {
      let middle = (low + high) / 2
      if buckets[middle].number < number { low = middle + 1 } else { high = middle }
    }
    guard low < buckets.count, buckets[low].number == number else {
      buckets.insert(Bucket(number: number, count: amount), at: low)
      return
    }
    buckets[low].count += amount
    if buckets[low].count == 0 { buckets.remove(at: low) }
  }

  /// The latency that this share of all is not above, in nanoseconds; nil without any.
  func percentile(_ share: Double) -> Int64? {
    guard count > 0 else { return nil }
    let rank = max(Int64((share * Double(count)).rounded(.up)), 1)
    var seen: Int64 = 0
    for bucket in buckets {
      seen += bucket.count
      if seen >= rank { return Self.value(of: bucket.number) }
    }
    return nil
  }

  /// How many lie between bounds, in nanoseconds, the lowest first. What lies within 1 % of a bound may count on its other side.
  func histogram(bounds: [Int64]) -> LatencyHistogram {
    var histogram = LatencyHistogram(counts: Array(repeating: 0, count: bounds.count + 1))
    var place = 0
    for bucket in buckets {
      let value = Self.value(of: bucket.number)
      while place < bounds.count, value > bounds[place] { place += 1 }
      histogram.counts[place] += bucket.count
      histogram.count += bucket.count
      histogram.sum += Double(value) * Double(bucket.count)
    }
    return histogram
  }

  /// What stands for a bucket: as far from its lower end as from its upper one, relative to either.
  private static func value(of bucket: Int32) -> Int64 {
    guard bucket > 0 else { return 0 }
    let upper = pow(growth, Double(bucket - 1))
    return Int64(exactly: min(2 * upper / (growth + 1), 9e18).rounded()) ?? .max
  }

  // MARK: As bytes

  /// A version, then for each bucket the distance from the one before and its count, as varints.
  func append(to bytes: inout [UInt8]) {
    bytes.append(1)
    var previous: Int32 = 0
    for bucket in buckets {
      bytes.append(varint: UInt64(bucket.number - previous))
      bytes.append(varint: UInt64(bitPattern: bucket.count))
      previous = bucket.number
    }
  }

  /// Zeros may stand behind the bytes. nil for bytes that are none.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.first == 1 else { return nil }
    var reader = VarintReader(bytes, from: 1)
    var number: UInt64 = 0
    while !reader.isAtEnd {
      guard let distance = reader.next(), distance < 1 << 16 else { return nil }
      // Nothing but zeros from here on.
      guard let count = reader.next(), count > 0 else { break }
      number += distance
      buckets.append(Bucket(number: Int32(number), count: Int64(bitPattern: count)))
      self.count += Int64(bitPattern: count)
    }
  }
}
