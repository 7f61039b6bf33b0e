import Pipeline
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct BackoffTests {
  @Test func `waits grow by the multiplier up to the greatest interval`() {
    var backoff = Backoff(RetryConfiguration(), now: 0)
    let waits = (0..<7).compactMap { _ in backoff.nextAttempt(now: 0, random: 0.5) }
    #expect(waits == [5, 7.5, 11.25, 16.875, 25.3125, 30, 30].map { UInt64($0 * 1e9) })
  }

  @Test func `chance moves a wait by half of its interval to either side`() {
    let backoff = Backoff(RetryConfiguration(), now: 0)
    var (least, greatest) = (backoff, backoff)
    #expect(least.nextAttempt(now: 0, random: 0) == UInt64(2.5e9))
    #expect(greatest.nextAttempt(now: 0, random: 1) == UInt64(7.5e9))
  }

  @Test func `the server's wish wins when it is longer`() {
    var backoff = Backoff(RetryConfiguration(), now: 0)
    #expect(backoff.nextAttempt(now: second, random: 0.5, atLeast: 60 * second) == 61 * second)
    #expect(backoff.nextAttempt(now: second, random: 0.5, atLeast: second) == UInt64(8.5e9))
  }

  @Test func `a request is given up when its next attempt would be too late`() {
    var backoff = Backoff(RetryConfiguration(), now: 100 * second)
    #expect(backoff.nextAttempt(now: 395 * second, random: 0.5) == 400 * second)
    #expect(backoff.nextAttempt(now: 395 * second, random: 0.5) == nil)
    #expect(backoff.nextAttempt(now: 100 * second, random: 0.5, atLeast: 301 * second) == nil)
  }

  @Test func `without a limit a request is never given up, and without retries at once`() {
    var configuration = RetryConfiguration()
    configuration.maxElapsedTime = .zero
    var patient = Backoff(configuration, now: 0)
    #expect(patient.nextAttempt(now: 1_000_000 * second, random: 0.5) != nil)
    configuration.enabled = false
    var impatient = Backoff(configuration, now: 0)
    #expect(impatient.nextAttempt(now: 0, random: 0.5) == nil)
  }

  @Test func `extreme settings end in extreme waits, not in a crash`() {
    var configuration = RetryConfiguration()
    configuration.initialInterval = .seconds(Int64.max)
    configuration.multiplier = .infinity
    configuration.randomizationFactor = 100
    configuration.maxElapsedTime = .zero
    var backoff = Backoff(configuration, now: second)
    for random in [0, 0.5, 1] { #expect(backoff.nextAttempt(now: second, random: random) != nil) }
    configuration.multiplier = .nan
    backoff = Backoff(configuration, now: second)
    for random in [0, 0.5, 1] { #expect(backoff.nextAttempt(now: .max, random: random) == .max) }
  }
}

@Suite struct RetryAfterTests {
  /// Sun, 06 Nov 1994 08:49:37 GMT
  private let moment = 784_111_777

  @Test(arguments: [("0", 0), ("120", 120), (" 7 ", 7), ("99999999999999999999999", 86_400), ("86401", 86_400)])
  func `seconds, at most a day`(text: String, seconds: Int) {
    #expect(RetryAfter.parse(text, unixTime: moment) == .seconds(seconds))
  }

  @Test(arguments: [
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
  ])
  func `a date in each of HTTP's forms`(text: String) {
    // Two digits of a year are taken for one of this century, where a server of today lives.
    let century = text.contains("-94") ? 3_155_760_000 : 0
    #expect(RetryAfter.parse(text, unixTime: moment + century - 30) == .seconds(30))
    #expect(RetryAfter.parse(text, unixTime: moment + century + 30) == .zero)
  }

  @Test(arguments: [
    "", "soon", "-5", "1.5", "12 monkeys", "Sun, 06 Nov 1994 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 99 Nov 1994 08:49:37 GMT", ",,,", ":::", "½",
  ])
  func `nonsense is no wish`(text: String) {
    #expect(RetryAfter.parse(text, unixTime: moment) == nil)
  }
}
