/** Keeps answers that are not confirmed in the browser, so that closing the page does not lose them. */
export class UnsavedStore {
  readonly #key: string;
  readonly #values: Map<string, string>;

  constructor(student: string, examId: string) {
    this.#key = `exam-unsaved:${student}:${examId}`;
    this.#values = new Map(this.#read());
  }

  has(questionId: number): boolean {
    return this.#values.has(String(questionId));
  }

  get(questionId: number): string | undefined {
    return this.#values.get(String(questionId));
  }

  put(questionId: number, value: string): void {
    this.#values.set(String(questionId), value);
    this.#write();
  }

  remove(questionId: number): void {
    this.#values.delete(String(questionId));
    this.#write();
  }

  #read(): [string, string][] {
    try {
      const stored: unknown = JSON.parse(localStorage.getItem(this.#key) ?? "{}");
      if (typeof stored !== "object" || stored === null) return [];
      return Object.entries(stored).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      );
    } catch {
      return [];
    }
  }

  #write(): void {
    try {
      if (this.#values.size === 0) localStorage.removeItem(this.#key);
      else localStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(this.#values)));
    } catch {
      // Private windows may refuse; the answers are still on the page.
    }
  }
}
