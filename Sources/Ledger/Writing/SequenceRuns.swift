/// A set of sequence numbers: the runs of neighbours that they make up, in ascending order.
struct SequenceRuns: Equatable, Sendable {
  private(set) var runs: [ClosedRange<UInt64>] = []

  init(_ runs: [ClosedRange<UInt64>] = []) {
    self.runs = runs
  }

  func contains(_ number: UInt64) -> Bool {
    let place = firstRun(from: number)
    return place < runs.count && runs[place].contains(number)
  }

  /// The run that a number belongs to.
  func run(of number: UInt64) -> ClosedRange<UInt64>? {
    let place = firstRun(from: number)
    return place < runs.count && runs[place].contains(number) ? runs[place] : nil
  }

  /// Adds a number that belongs to no run yet; others change nothing.
  mutating func insert(_ number: UInt64) {
    let place = firstRun(from: number)
    if place < runs.count, runs[place].contains(number) { return }
    let joinsPrevious = place > 0 && runs[place - 1].upperBound + 1 == number
    let joinsNext = place < runs.count && runs[place].lowerBound == number + 1
    switch (joinsPrevious, joinsNext) {
    case (true, true):
      runs[place - 1] = runs[place - 1].lowerBound...runs[place].upperBound
      runs.remove(at: place)
    case (true, false): runs[place - 1] = runs[place - 1].lowerBound...number
    case (false, true): runs[place] = number...runs[place].upperBound
    case (false, false): runs.insert(number...number, at: place)
    }
  }

  /// Lets the lowest runs go, until so many are left.
  mutating func keepHighest(_ count: Int) {
    if runs.count > count { runs.removeFirst(runs.count - count) }
  }

  /// The first run that ends at the number or behind it.
  private func firstRun(from number: UInt64) -> Int {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
