package id.jejak.bench;

import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** How far the work is: when the first record was processed, how many were, and where each partition ends. */
public final class Progress {
  private final Map<Integer, Long> ends;
  private final AtomicLong began = new AtomicLong();
  private final AtomicLong records = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();

  Progress(Map<Integer, Long> ends) {
    this.ends = ends;
  }

  /** The clock begins with the first record that reaches a processor: the start of the JVM and of the group is given. */
  public void begin() {
    if (began.get() == 0) {
      began.compareAndSet(0, System.nanoTime());
    }
  }

  public void refuse() {
    refused.incrementAndGet();
  }

  /** Counts a record; true when it was the last of its partition. */
  public boolean passed(int partition, long offset) {
    records.incrementAndGet();
    return offset + 1 >= ends.get(partition);
  }

  long records() {
    return records.get();
  }

  long refused() {
    return refused.get();
  }

  double secondsSinceBeginning() {
    return (System.nanoTime() - began.get()) / 1e9;
  }
}
