/** Seconds as a clock: `9:59:59`, and `59:59` below an hour. */
export const formatRemaining = (seconds: number): string => {
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const clock = `${two(minutes)}:${two(seconds % 60)}`;
  return hours > 0 ? `${String(hours)}:${clock}` : clock;
};
