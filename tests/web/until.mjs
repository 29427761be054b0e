/** Waits for a condition; an error that says what for. */
export async function until(condition, what, ms = 15000) {
  const end = performance.now() + ms;
  for (let last; ;) {
    try {
      if (await condition()) {
        return;
      }
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${ms} ms in vain: ${what}`, {cause: last});
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
