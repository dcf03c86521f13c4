/** Listens to the end of every request, and does next to nothing with it. */
import { attachExecutor } from "#actors";

let totalUs = 0;
attachExecutor((_name, { measurements }) => {
  totalUs += measurements["duration_us"] ?? 0;
  if (totalUs < 0) throw new Error("time went backwards");
});
