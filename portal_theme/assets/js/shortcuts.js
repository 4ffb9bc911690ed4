/* Shortcuts of the workstation: Alt + Shift + a digit goes to the link <a data-shortcut="1">; 3 puts the focus on the first desk.
   Modifier keys are needed, so that nobody sets one off by speaking or typing (WCAG 2.1.4). */
(function () {
  "use strict";
  var typing = /^(INPUT|TEXTAREA|SELECT)$/;
  document.addEventListener("keydown", function (event) {
    var digit = /^Digit([0-9])$/.exec(event.code);
    if (!digit || !event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || typing.test(event.target.tagName)) {
      return;
    }
    var link = document.querySelector("a[data-shortcut='" + digit[1] + "']");
    if (!link) {
      return;
    }
    event.preventDefault();
    if (digit[1] === "3") {
      link.focus();
    } else {
      link.click();
    }
  });
})();
