// Goes on to the provider at once; without JavaScript there is the button.
document.querySelector("form[data-leaving]")?.requestSubmit();
