"""French or not."""

import pytest

from bitexte.stages.language import probability
from conftest import DISPATCH

FRENCH = {
    "dispatch": DISPATCH.read_text("utf-8"),
    "sentence": "Nous nous excusons pour les gênes occasionnées, a-t-il ajouté.",
    "curly apostrophes": "L’opérateur n’a pas précisé l’origine de l’incident.",
    "headline": "Cyclisme: Van Aert remporte la 5e étape à Liège",
    "capitals": "LUNDI 4 OCTOBRE 2021 11:46 / AFRIQUE CENTRALE",
    "too short to tell": "Bonjour.",
    "no word at all": "12,5 % - 14h30",
}
OTHER = {
    "English": "The operator said that services had been restored across the island on Thursday.",
    "Spanish": "El gobierno anunció hoy nuevas medidas económicas para las familias de la región.",
    "Italian": "Il governo ha annunciato oggi nuove misure per le famiglie italiane.",
    "Portuguese": "O governo anunciou hoje novas medidas para as famílias, que vão receber apoio.",
    "Dutch": "De regering heeft vandaag nieuwe maatregelen aangekondigd voor gezinnen.",
    "German": "Die Regierung hat heute neue Maßnahmen für Familien angekündigt.",
    "Catalan": "El govern ha anunciat avui noves mesures econòmiques per a les famílies.",
}


@pytest.mark.parametrize("text", FRENCH.values(), ids=FRENCH)
def test_french_passes_the_default_threshold(text: str) -> None:
    assert probability(text, "fr") >= 0.8


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_other_languages_do_not(text: str) -> None:
    assert probability(text, "fr") < 0.5
