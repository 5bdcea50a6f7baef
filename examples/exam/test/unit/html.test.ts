import assert from "node:assert/strict";
import { escapeHtml, html } from "../../src/html";

describe("html", () => {
  it("escapes what is put into text and attributes", () => {
    const text = `<script>"it's" & more</script>`;
    assert.equal(
      html`<p title="${text}">${text}</p>`.toString(),
      `<p title="${escapeHtml(text)}">${escapeHtml(text)}</p>`,
    );
    assert.equal(escapeHtml(`<'"&>`), "&lt;&#39;&quot;&amp;&gt;");
  });

  it("leaves markup of its own as it is, in lists too", () => {
    const items = ["a", "<b>"].map((item) => html`<i>${item}</i>`);
    assert.equal(html`<p>${items}</p>`.toString(), "<p><i>a</i><i>&lt;b&gt;</i></p>");
  });

  it("shows nothing for nothing, but shows zero", () => {
    assert.equal(html`[${null}${undefined}${false}${0}]`.toString(), "[0]");
  });

  it("does not interpret dollar signs of values", () => {
    assert.equal(html`${"$&$1"}`.toString(), "$&amp;$1");
  });
});
